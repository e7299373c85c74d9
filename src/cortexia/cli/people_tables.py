"""Tables of people, and the same as JSON. Names come from people: control signs are written out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from cortexia.people.directory import KnownPerson
from cortexia.wording import clock, printable

_PERSON = "{:<24}  {:>6}  {:>11}  {:>9}  {}"


def print_people(people: Sequence[KnownPerson], as_json: bool) -> None:
    """One line for each, or a list of objects."""
    if as_json:
        click.echo(json.dumps([person_to_dict(person) for person in people], indent=2))
        return
    if not people:
        click.echo("nobody yet: 'cortexia annotate VIDEO --annotators face_groups' looks for people", err=True)
        return
    head = _PERSON.format("name", "videos", "appearances", "seconds", "first seen")
    click.echo(click.style(head, bold=True))
    for person in people:
        first = person.appearances[0]
        where = f"{printable(first.filename)} {clock(first.start_us)}"
        line = (printable(person.label, 24), person.videos, len(person.appearances), f"{person.seconds:.1f}", where)
        click.echo(_PERSON.format(*line))


def person_to_dict(person: KnownPerson) -> dict[str, Any]:
    return {
        "label": person.label,
        "is_named": person.is_named,
        "identity_id": person.identity_id,
        "videos": person.videos,
        "seconds": person.seconds,
        "appearances": [
            {
                "video_id": seen.video_id,
                "filename": seen.filename,
                "start_s": seen.start_us / 1e6,
                "end_s": round(seen.start_us / 1e6 + seen.row.span.duration_s, 6),
                "seconds": seen.row.seconds,
                "face_id": seen.row.face_id,
                "person_id": seen.row.person_id,
                "track_id": seen.row.track_id,
            }
            for seen in person.appearances
        ],
    }
