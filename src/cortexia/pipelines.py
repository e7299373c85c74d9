"""Words for groups of annotators: modes and pipelines. ``annotators_of`` turns what a user says into names."""

from __future__ import annotations

from collections.abc import Iterable

from cortexia import registry
from cortexia.errors import ConfigurationError, UnknownNameError

MODES: dict[str, tuple[str, ...]] = {
    "detect": ("objects",),
    "segment": ("masks",),
    "describe": ("captions",),
}
PIPELINES: dict[str, tuple[str, ...]] = {
    "scene": ("shots", "frames", "shot_summary"),
    "quality": ("quality", "quality_summary"),
    "motion": ("motion", "motion_summary"),
    "audio": ("loudness", "speech", "sounds"),
    "speech": ("speech", "transcription", "voices", "speakers", "speaker_words"),
    "person": ("objects", "tracks", "people"),
    "face": ("faces", "face_groups"),
}
"""Named groups of annotators that a user asks for."""


def annotators_of(mode: str) -> tuple[str, ...]:
    """Annotators that a mode names: modes, pipelines and annotators joined with ``|``.

    Raises ``UnknownNameError`` (a ``ConfigurationError``) that lists the known words, ``ConfigurationError`` for a word
    whose annotator is not installed.
    """
    known = registry.names("annotators")
    groups = MODES | PIPELINES
    names: list[str] = []
    for word in (part.strip() for part in mode.split("|")):
        if word in groups:
            _require(word, groups[word], known)
            names += groups[word]
        elif word in known:
            names.append(word)
        else:
            raise UnknownNameError("mode, pipeline or annotator", word, {*groups, *known})
    return tuple(dict.fromkeys(names))


def _require(word: str, names: Iterable[str], known: Iterable[str]) -> None:
    missing = sorted(set(names) - set(known))
    if missing:
        raise ConfigurationError(f"{word!r} needs the annotator {missing[0]!r}, which is not installed")
