"""Values about what is heard: their invariants, and their way through JSON."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from cortexia.errors import ValidationError
from cortexia.types import (
    Annotation,
    Embedding,
    SoundEvent,
    SpeakerTurn,
    Speech,
    SpokenWord,
    TimeSpan,
    Timestamp,
    Utterance,
    Word,
    annotation_from_fields,
)
from cortexia.types.embedding import packed

SPAN = TimeSpan(Timestamp(0, Fraction(1, 16_000)), Timestamp(8000, Fraction(1, 16_000)))
SPOKEN = {"span": SPAN, "label": "Speaker A", "speaker_id": "speaker_0123456789ab_001"}

WELL: list[Annotation] = [
    Speech(span=SPAN, label="speech", confidence=0.9),
    Utterance(span=SPAN, text="And so, my fellow Americans", number=3, language="en", confidence=0.5),
    Utterance(span=SPAN, text="in English", number=0, language="de", translated=True),
    Utterance(span=SPAN, text="…", number=0),
    Word(span=SPAN, text="fellow", utterance=3, confidence=0.25),
    SpeakerTurn(**SPOKEN, is_overlap=True),
    SpokenWord(**SPOKEN, text="fellow", utterance=3),
    SoundEvent(span=SPAN, label="laughter", confidence=0.4),
    Embedding(span=SPAN, model="m", of="voice", **packed(np.arange(1, 9, dtype=np.float32))),
]


@pytest.mark.parametrize("value", WELL, ids=lambda value: value.type)
def test_it_comes_back_from_json_as_it_was(value):
    common = {name: getattr(value, name) for name in ("span", "label", "confidence", "frame_index", "track_id", "bbox")}
    stored = json.loads(json.dumps(value.data(), allow_nan=False))
    assert annotation_from_fields(value.type, stored, **common) == value


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Utterance(span=SPAN, text=" \n", number=0), "needs a text"),
        (lambda: Word(span=SPAN, text="", utterance=0), "needs a text"),
        (lambda: SpokenWord(**SPOKEN, text=" ", utterance=0), "needs a text"),
        (lambda: SpokenWord(**{**SPOKEN, "label": None}, text="so", utterance=0), "speaker id and a label"),
        (lambda: SpeakerTurn(**{**SPOKEN, "speaker_id": ""}), "speaker id and a label"),
        (lambda: SpeakerTurn(**{**SPOKEN, "label": ""}), "label"),
        (lambda: Speech(span=SPAN, label="speech", confidence=1.5), "confidence"),
        (lambda: Embedding(span=SPAN, model="m", of="tone", **packed(np.ones(4))), "one of picture"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValidationError, match=message):
        make()
