"""Where people are listed and named: the identities of a store, brought up to date, and what is said about them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from cortexia.errors import ConfigurationError, StoreBusyError
from cortexia.naming import required_name
from cortexia.people.directory import Directory, Entry, KnownPerson, name_of
from cortexia.people.enrolment import Chosen, face_of
from cortexia.people.gather import (
    FOUND,
    IDENTITIES,
    JOB_NOTE,
    NOTES,
    Inventory,
    gathered,
    inventory,
    made_of,
)
from cortexia.people.members import VideoPeople
from cortexia.people.places import Finder
from cortexia.people.solve import Rules, solve
from cortexia.stores.base import StorageBackend
from cortexia.stores.by_hand import KeepsByHand
from cortexia.stores.upkeep import Report, say_nothing
from cortexia.types import Annotation, Identity, PersonNote, TimeSpan, Timestamp, canonical_json, digest_of
from cortexia.types.time import MICROSECONDS


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is known now. ``is_new``: whether anything had to be done for it. ``busy``: videos whose rows could not be
    saved yet, as a worker is at them."""

    directory: Directory
    is_new: bool
    busy: tuple[str, ...] = ()


class PeopleDesk:
    """``opened`` gives the store. All that is changed are rows of the pipelines ``people_notes`` and ``identities``."""

    def __init__(self, opened: Callable[[], StorageBackend], rules: Rules | None = None) -> None:
        self._opened = opened
        self._rules = rules or Rules()

    # -- who there is

    def refresh(self, report: Report = say_nothing) -> Standing:
        """Bring identities up to date. Nothing is done where they were made of the same runs and statements by the same
        rules, and are still there."""
        store = self._opened()
        found = inventory(store)
        key = found.digest((*FOUND, NOTES), self._rules.key())
        result = found.digest((IDENTITIES,))
        if any(note["key"] == key and note["result"] == result for note in found.made):
            known = made_of(store, found, IDENTITIES)
            return Standing(Directory.of((video, video.known) for video in known), is_new=False)
        return self._made(store, found, key, max((int(note["letters"]) for note in found.made), default=0), report)

    def _made(self, store: StorageBackend, found: Inventory, key: str, letters: int, report: Report) -> Standing:
        videos = list(gathered(store, found, report))
        solution = solve(videos, Finder(store), self._rules, letters)
        busy = []
        for number, video in enumerate(videos):
            report("identities", number, len(videos))
            rows = solution.rows[video.video_id]
            if list(map(_content, rows)) != list(map(_content, video.known)) and not _saved(store, video, rows):
                busy.append(video.filename)
        if videos and not busy:
            note = {"key": key, "result": inventory(store).digest((IDENTITIES,)), "letters": solution.letters}
            store.note_job(videos[0].job_id, JOB_NOTE, note)
        return Standing(Directory.of((video, solution.rows[video.video_id]) for video in videos), True, tuple(busy))

    # -- what is said

    def name(self, word: str, name: str, report: Report = say_nothing) -> KnownPerson:
        """Call a person ``name``; who has that name already is the same person from now on. Raises
        ``UnknownNameError`` for a word that names nobody, ``ConfigurationError`` for one that fits several."""
        name = required_name(name)
        person = self._directory(report).find(word)
        self._say("name", _anchors(person), name)
        return self._directory(report).find(name)

    def merge(self, words: Sequence[str], report: Report = say_nothing) -> KnownPerson:
        """Make one person of several; of their names the first is kept. Raises as ``name``."""
        directory = self._directory(report)
        people = list({person.identity_id: person for person in map(directory.find, words)}.values())
        if len(people) < 2:
            raise ConfigurationError("name two people or more to be made one")
        name = next((person.label for person in people if person.is_named), None)
        anchors = [anchor for person in people for anchor in _anchors(person)]
        self._say("merge", anchors, name)
        return self._holder(anchors[0], report)

    def split(
        self, word: str, face_ids: Sequence[str], report: Report = say_nothing
    ) -> tuple[KnownPerson, KnownPerson]:
        """Take members, by their face or person ids, out of a person, and make them one of their own: both as they are
        then. Raises as ``name``, and ``ConfigurationError`` where nobody would be left."""
        person = self._directory(report).find(word)
        taken = frozenset(_member_of(person, face_id) for face_id in face_ids)
        rest = person.anchors(without=taken)
        out = [one for one in person.appearances if name_of(one.row) in taken and one.row.bbox is not None]
        out = list({(one.video_id, name_of(one.row)): one for one in out}.values())
        if not rest or not out:
            raise ConfigurationError(f"nobody would be left of {person.label!r}; rename it instead")
        self._say("split", rest, person.label if person.is_named else None, out)
        return self._holder(rest[0], report), self._holder(out[0], report)

    def enroll(
        self, name: str, video_ids: Iterable[str], report: Report = say_nothing
    ) -> tuple[KnownPerson, tuple[Chosen, ...]]:
        """Name the face of each of these pictures, which are stored: of several the largest. Raises
        ``ConfigurationError`` for what is no picture, and where there is no face or no vector of it."""
        name, store = required_name(name), self._opened()
        found = inventory(store)
        chosen = tuple(face_of(store, found, video_id) for video_id in video_ids)
        self._say("enroll", [one.anchor for one in chosen], name)
        return self._directory(report).find(name), chosen

    def _directory(self, report: Report) -> Directory:
        return self.refresh(report).directory

    def _holder(self, anchor: Entry, report: Report) -> KnownPerson:
        """Who has the member that ``anchor`` shows, now."""
        for person in self._directory(report).people:
            if any(
                (one.video_id, one.row.track_id) == (anchor.video_id, anchor.row.track_id) for one in person.appearances
            ):
                return person
        raise ConfigurationError("nobody is there any more; the video was annotated anew meanwhile: try again")

    def _say(self, action: str, anchors: Sequence[Entry], name: str | None, apart: Sequence[Entry] = ()) -> None:
        """Store a statement: a note for each anchor, with its video. Raises ``StoreBusyError`` while a worker is at one
        of the videos; then nothing was said."""
        store = self._opened()
        found = inventory(store)
        noted = {video.video_id: video for video in made_of(store, found, NOTES)}
        number = 1 + max((note.number for video in noted.values() for note in video.notes), default=0)
        places = [[one.video_id, one.row.frame_index, one.row.track_id] for one in (*anchors, *apart)]
        common = {"action": action, "number": number, "statement": digest_of([number, action, name, places])[:16]}
        added: dict[str, list[PersonNote]] = {}
        for one in anchors:
            added.setdefault(one.video_id, []).append(_note(one, label=name, **common))
        for one in apart:
            added.setdefault(one.video_id, []).append(_note(one, is_apart=True, **common))
        _settle(store, [(noted[video_id], notes) for video_id, notes in added.items()])


def _settle(store: StorageBackend, parts: Sequence[tuple[VideoPeople, Sequence[PersonNote]]]) -> None:
    """Notes of one statement, video by video. It counts from the moment at which those of the last video are stored:
    whatever happens before, it was never made, and whatever happens after, it was."""
    *others, (last, final) = parts
    for video, notes in others:
        _add_notes(store, video, [replace(note, is_settled=False) for note in notes])
    _add_notes(store, last, final)
    for video, notes in others:
        # for when the last video is deleted; a busy one does without
        with contextlib.suppress(StoreBusyError):
            _add_notes(store, video, notes)


def _add_notes(store: StorageBackend, video: VideoPeople, notes: Sequence[PersonNote]) -> None:
    """Beside those of other statements."""
    own = {note.statement for note in notes}
    kept = [note for note in video.notes if note.statement not in own]
    KeepsByHand.save_annotations(store, video.job_id, NOTES, [*kept, *notes])


def _note(one: Entry, **more: Any) -> PersonNote:
    row = one.row
    at = Timestamp(round((row.seen_s or 0.0) * MICROSECONDS), Fraction(1, MICROSECONDS))
    return PersonNote(span=TimeSpan(at, at), frame_index=row.frame_index, bbox=row.bbox, **more)


def _anchors(person: KnownPerson) -> tuple[Entry, ...]:
    found = person.anchors()
    if not found:
        raise ConfigurationError(f"{person.label!r} has no box in any frame, by which it could be found again")
    return found


def _member_of(person: KnownPerson, word: str) -> str:
    for seen in person.appearances:
        if word in (seen.row.face_id, seen.row.person_id):
            return name_of(seen.row)
    known = ", ".join(sorted(person.ids))
    raise ConfigurationError(f"{word!r} is no face of {person.label!r} (its faces: {known})")


def _saved(store: StorageBackend, video: VideoPeople, rows: Sequence[Identity]) -> bool:
    try:
        KeepsByHand.save_annotations(store, video.job_id, IDENTITIES, rows)
    except StoreBusyError:
        return False
    return True


def _content(row: Annotation) -> str:
    """What a row says, as text that does not depend on how a store keeps boxes and times."""
    box = None if row.bbox is None else [round(side, 3) for side in row.bbox.xywh]
    span = [row.span.start.micros(), row.span.end.micros()]
    return canonical_json([span, row.label, row.frame_index, row.track_id, box, row.data()])
