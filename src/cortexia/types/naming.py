"""Who somebody is: what people say about it, and what comes of it across videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from cortexia.errors import ValidationError
from cortexia.types.annotation import Annotation
from cortexia.types.regions import Region

ACTIONS = ("name", "merge", "split", "enroll")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonNote(Region):
    """What a human being said about whoever has this box in this frame: no id of a run is in it, so that it holds
    whatever annotators are run again.

    ``action``: one of ``ACTIONS``. ``label``: the name that was given, or that was there before, if any. A statement
    is made of the notes with its ``statement``, in one video or several; ``number`` counts statements, and the later
    goes first. ``is_apart``: of a split, those that were taken out, and not those that they were taken from.
    ``is_settled``: that all notes of its statement were stored by then; one such note is enough for all of them, and
    without any the statement was never made.
    """

    type: ClassVar[str] = "person_note"
    stored_type: ClassVar[str] = "person_note"

    action: str
    statement: str
    number: int
    is_apart: bool = False
    is_settled: bool = True

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValidationError(f"person_note: action must be one of {', '.join(ACTIONS)}, got {self.action!r}")
        if self.action in ("name", "enroll") and not self.label:
            raise ValidationError(f"person_note: {self.action} needs a name")
        Region.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(Annotation):
    """That an identity is seen in a video: one row for each track of a person, or of a face where no person is.

    ``label``: the name that people gave, else ``Person A``, ``Person B``, ... ``frame_index``, ``seen_s``, ``bbox``: a
    frame in which it is seen, when the video shows it (seconds), and where. ``person_id``, ``face_id``: as the runs say
    that it was made from, which ``source`` (a digest) tells apart; ``track_id``: the person's track, else the face's;
    ``face_tracks``: tracks of its face. ``seconds``: on screen, without gaps. ``is_stated``: that a ``PersonNote`` is
    about this very one.
    """

    type: ClassVar[str] = "identity"
    stored_type: ClassVar[str] = "identity"

    identity_id: str
    is_named: bool
    seconds: float
    source: str
    seen_s: float | None = None
    is_stated: bool = False
    person_id: str | None = None
    face_id: str | None = None
    face_tracks: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.label:
            raise ValidationError("identity: needs a label")
        if self.person_id is None and self.face_id is None:
            raise ValidationError("identity: is of a person, of a face or of both")
        Annotation.__post_init__(self)
