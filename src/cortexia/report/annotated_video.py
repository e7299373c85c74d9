"""The video itself with what was found drawn in: tracks, boxes, masks, poses and faces, what is said and who says it;
below the picture shot, caption and time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

from cortexia.decoders.base import DamageFound, Decoder, DecodeRequest, ViewRequest
from cortexia.decoders.writer import VideoWriter
from cortexia.errors import ConfigurationError
from cortexia.files import temporary_beside, translate_os_error
from cortexia.report.base import VideoData
from cortexia.report.canvas import Bar, Canvas
from cortexia.report.drawn import MAX_SIDE
from cortexia.report.gather import Facts, gather
from cortexia.report.held import HeldCaptions, HeldSightings
from cortexia.report.style import style_of
from cortexia.report.subtitles import HeldSounds
from cortexia.types import Frame, MediaInfo, Sampling, VideoStream, ViewSpec
from cortexia.wording import clock


@dataclass(frozen=True, slots=True)
class DecodeSource:
    """The video to draw on, and how to decode it: ``threads`` as in ``DecodeRequest``."""

    decoder: Decoder
    path: Path
    threads: int = 0


def write_annotated_video(
    data: VideoData,
    source: DecodeSource,
    output: Path,
    max_side: int = MAX_SIDE,
    on_frame: Callable[[float], None] = lambda time_s: None,
) -> int:
    """Decode the source once and write every frame at its own time; returns how many frames.

    What was found stays until the next frame that has any, at most one and a half times the usual time between such
    frames, never beyond two seconds or the end of its shot. ``max_side``: the longer side shrinks to at most this many
    pixels. Raises ``ConfigurationError`` where the video has no pictures, or is the very file to write.
    """
    if output.exists() and output.samefile(source.path):
        raise ConfigurationError(f"{output} is the video that is read; name another file")
    media = data.record.media
    if media is None or media.video is None:
        raise ConfigurationError(f"{data.record.identity.filename} has no pictures to draw on, or was not read yet")
    facts = gather(data)
    with translate_os_error(output):
        made = temporary_beside(output, ".mp4")
    try:
        job = _Job(data, facts, media, media.video, source, made, max_side)
        frames = job.run(on_frame)
        with translate_os_error(output):
            made.replace(output)
    finally:
        with suppress(FileNotFoundError):
            made.unlink()
    return frames


@dataclass(frozen=True)
class _Job:
    data: VideoData
    facts: Facts
    media: MediaInfo
    video: VideoStream
    source: DecodeSource
    output: Path
    max_side: int

    def run(self, on_frame: Callable[[float], None]) -> int:
        """With several threads first; damage shows then, and it begins anew with one (as annotating does)."""
        try:
            return self._attempt(self.source.threads, on_frame)
        except DamageFound:
            return self._attempt(1, on_frame)

    def _attempt(self, threads: int, on_frame: Callable[[float], None]) -> int:
        spec = ViewSpec(bound=self.max_side, pixel_format="rgb", resample="area")
        width, height = spec.fit(self.video.width, self.video.height)
        canvas = Canvas((width, height), style_of(self.facts), bool(self.facts.seen.captions))
        found, captions, sounds = (
            HeldSightings(self.data, self.facts),
            HeldCaptions(self.facts),
            HeldSounds(self.facts.heard),
        )
        request = DecodeRequest(video=(ViewRequest(Sampling.every(), (spec,)),), threads=threads)
        base, frames = self.video.time_base, 0
        with (
            self.source.decoder.open(self.source.path, self.media, request) as stream,
            VideoWriter(self.output, canvas.size, base, (self.source.path, self.media)) as writer,
        ):
            for frame in stream:
                shown = cast(Frame, frame)
                start = shown.timestamp.micros(self.media.origin)
                canvas.begin(shown.view(spec), shown.size)
                bar = self._bar(start, captions.at(start))
                picture = canvas.drawn(found.at(shown.index, start), bar, sounds.at(start))
                pts = _ticks(shown.timestamp.fraction - self.media.origin, base)
                end = _ticks(shown.end.fraction - self.media.origin, base)
                writer.write(picture, pts, max(1, end - pts))
                frames += 1
                on_frame(shown.time_s)
            writer.finish()
        return frames

    def _bar(self, start: int, caption: str) -> Bar:
        shot = self.facts.shot_at(start)
        text = f"shot {shot.number} of {len(self.facts.shots)}" if shot else ""
        camera = self.facts.cameras.get(shot.start) if shot else None
        now = clock(start, 3, hours=self.facts.end >= 3_600_000_000)
        return Bar(f"{text}   {camera}" if camera else text, now, caption)


def _ticks(seconds: Fraction, base: Fraction) -> int:
    return round(seconds / base)
