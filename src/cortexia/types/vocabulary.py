"""All meanings by name, and the way back from what is stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from cortexia.errors import ValidationError
from cortexia.types.annotation import BASE_FIELDS, Annotation
from cortexia.types.embedding import Embedding
from cortexia.types.identities import FaceTrack, Person, Track
from cortexia.types.naming import Identity, PersonNote
from cortexia.types.regions import Detection, Face, Mask, Pose, ScreenText, TrackBox
from cortexia.types.spans import (
    Caption,
    Classification,
    KeyPicture,
    Measure,
    Shot,
    ShotSummary,
    SoundEvent,
    Transition,
)
from cortexia.types.speech import SpeakerTurn, Speech, SpokenWord, Utterance, Word

ANNOTATION_TYPES: dict[str, type[Annotation]] = {
    kind.type: kind
    for kind in (
        Shot,
        ShotSummary,
        KeyPicture,
        Measure,
        SoundEvent,
        Speech,
        Utterance,
        Word,
        SpeakerTurn,
        SpokenWord,
        Detection,
        TrackBox,
        Track,
        Person,
        Pose,
        Face,
        FaceTrack,
        PersonNote,
        Identity,
        Mask,
        ScreenText,
        Caption,
        Classification,
        Embedding,
    )
}


def annotation_from_fields(kind: str, data: Mapping[str, Any], **common: Any) -> Annotation:
    """The value of short type ``kind`` from its ``data`` column and its common fields.

    Raises ``ValidationError`` for an unknown type or data that breaks its invariants.
    """
    cls = ANNOTATION_TYPES.get(kind)
    if cls is None:
        raise ValidationError(f"unknown annotation type {kind!r}")
    own = {item.name: item for item in dataclasses.fields(cls) if item.name not in BASE_FIELDS}
    given = {name: value for name, value in data.items() if name in own}
    for name in ("transition_in", "transition_out"):
        if name in given:
            given[name] = Transition(given[name])
    rest = {name: value for name, value in data.items() if name not in own}
    try:
        return cls(**common, **given, attributes=rest)
    except TypeError as error:
        raise ValidationError(f"{kind}: {error}") from error
