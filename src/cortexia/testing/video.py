"""Clips with known truth: declared, rendered and encoded picture by picture."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer

from cortexia.testing.known import known_truth
from cortexia.testing.spec import VideoSpec
from cortexia.testing.tracks import PictureTrack, SoundTrack
from cortexia.testing.truth import Truth

_COMMON = {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}
_BY_SUFFIX = {
    ".mp4": {"movflags": "use_metadata_tags"},
    ".mov": {},
    # without it the muxer moves every time by its own start-up delay
    ".ts": {"mpegts_copyts": "1"},
}
_HIDING = (".mp4", ".mov")


def make_video(path: Path | str, spec: VideoSpec) -> Truth:
    """Write the clip that ``spec`` declares; the suffix of ``path`` chooses the container.

    Memory does not grow with the length, apart from the times and boxes in the truth. The same spec gives the same
    bytes with the same version of PyAV. Raises ``ValueError`` for a spec that cannot be filmed.
    """
    path = Path(path)
    if spec.start_s < 0 and path.suffix.lower() not in (*_HIDING, ".ts"):
        raise ValueError(f"{path.suffix} cannot hold times below zero; .ts can, .mp4 and .mov hide what lies there")
    options = _COMMON | _BY_SUFFIX.get(path.suffix.lower(), {})
    with av.open(str(path), "w", options=options) as container:
        pictures = _picture_tracks(container, spec)
        sound = None
        if spec.sound is not None:
            sound = SoundTrack(container, spec.sound, float(_longest(pictures)))
        _write(container, [*pictures, *([sound] if sound else [])])
        hides = path.suffix.lower() in _HIDING
        truths = [
            known_truth(track, spec.sound if track.ordinal == 0 else None, track.frames_before_zero if hides else 0)
            for track in pictures
        ]
    if not truths:
        return known_truth(None, spec.sound)
    return truths[0].with_others(truths[1:])


def _picture_tracks(container: OutputContainer, spec: VideoSpec) -> list[PictureTrack]:
    specs = [item for item in (spec, *spec.others) if item.shots]
    return [PictureTrack(container, item, place, place == spec.default_track) for place, item in enumerate(specs)]


def _longest(tracks: list[PictureTrack]) -> Fraction:
    return max((track.length for track in tracks), default=Fraction(0))


def _write(container: OutputContainer, tracks: list[PictureTrack | SoundTrack]) -> None:
    """Always the track that is furthest behind: packets come out interleaved by time."""
    container.start_encoding()
    waiting: dict[int, Iterator[Fraction]] = {place: track.mux_into(container) for place, track in enumerate(tracks)}
    clocks = dict.fromkeys(waiting, Fraction(-(10**9)))
    while waiting:
        place = min(waiting, key=lambda item: clocks[item])
        reached = next(waiting[place], None)
        if reached is None:
            del waiting[place]
        else:
            clocks[place] = reached
