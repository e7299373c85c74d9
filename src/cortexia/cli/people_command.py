"""``cortexia people``."""

from __future__ import annotations

import json

import click

from cortexia.cli.counting import count_display
from cortexia.cli.options import config_option, json_option, settings_from, stacked, store_option

_shared = stacked(store_option, config_option, json_option)


@click.group("people")
def command() -> None:
    """List, name, merge, split and enrol people: who they are across the videos of a store.

    PERSON is a name or a label such as "Person A", an id of a person or a face, or the beginning of one of these.
    """


@command.command("list")
@_shared
def list_people(store: str | None, config_file: str | None, as_json: bool) -> None:
    """List everybody who was found: name, in how many videos, how often, how long on screen, and where first.

    \b
    Examples:
      cortexia people list
      cortexia people list --store talks.db --json
    """
    from cortexia.app import App
    from cortexia.cli.people_tables import print_people

    with App(settings_from(config_file, store=store).settings) as app, count_display() as report:
        standing = app.people.refresh(report)
    print_people(standing.directory.people, as_json)
    for name in standing.busy:
        click.echo(f"{name}: a worker is at it; who is seen there is not stored yet", err=True)


@command.command("name")
@click.argument("person", metavar="PERSON")
@click.argument("name", metavar="NAME")
@_shared
def name_person(person: str, name: str, store: str | None, config_file: str | None, as_json: bool) -> None:
    """Call a person NAME from now on, in every video. Who has that name already becomes the same person.

    \b
    Examples:
      cortexia people name "Person A" Ada
      cortexia people name face_6ddf6fb0f4a5_002 Ada
    """
    from cortexia.app import App
    from cortexia.cli.people_tables import print_people

    with App(settings_from(config_file, store=store).settings) as app, count_display() as report:
        named = app.people.name(person, name, report)
    print_people([named], as_json)


@command.command("merge")
@click.argument("people", nargs=-1, required=True, metavar="PERSON PERSON...")
@_shared
def merge_people(people: tuple[str, ...], store: str | None, config_file: str | None, as_json: bool) -> None:
    """Make one person of several. Of their names the first is kept.

    \b
    Examples:
      cortexia people merge Ada "Person C"
    """
    from cortexia.app import App
    from cortexia.cli.people_tables import print_people

    with App(settings_from(config_file, store=store).settings) as app, count_display() as report:
        merged = app.people.merge(people, report)
    print_people([merged], as_json)


@command.command("split")
@click.argument("person", metavar="PERSON")
@click.argument("faces", nargs=-1, required=True, metavar="FACE_ID...")
@_shared
def split_person(
    person: str, faces: tuple[str, ...], store: str | None, config_file: str | None, as_json: bool
) -> None:
    """Take faces (or persons without a face) out of PERSON, and make one other person of them.

    \b
    Examples:
      cortexia people split Ada face_6ddf6fb0f4a5_002
    """
    from cortexia.app import App
    from cortexia.cli.people_tables import print_people

    with App(settings_from(config_file, store=store).settings) as app, count_display() as report:
        parts = app.people.split(person, faces, report)
    print_people(parts, as_json)


@command.command("enroll")
@click.argument("name", metavar="NAME")
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@_shared
def enroll(name: str, pictures: tuple[str, ...], store: str | None, config_file: str | None, as_json: bool) -> None:
    """Tell who NAME is by pictures of the face: whoever looks alike in a video has that name. Of several faces in a
    picture the largest is taken. The pictures are annotated into the store, as any input.

    \b
    Examples:
      cortexia people enroll Ada ada.jpg ada-left.jpg
    """
    from cortexia.app import App
    from cortexia.cli.people_tables import print_people
    from cortexia.cli.working import progress

    with App(settings_from(config_file, store=store).settings) as app, progress(as_json) as on_event:
        person, chosen = app.enroll(name, pictures, on_event)
    for one in chosen:
        if one.faces > 1:
            said = f"{one.filename}: the largest of {one.faces} faces was taken"
            click.echo(json.dumps({"event": "largest_face", "message": said}) if as_json else said, err=True)
    print_people([person], as_json)
