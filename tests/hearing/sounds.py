"""Files with sound, some of them odd, written sample by sample; and what a store holds of them."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from cortexia.app import App, Request
from cortexia.config import Settings
from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.testing import SoundSpec, click, speech
from cortexia.testing.sound import sound_blocks
from cortexia.types import Annotation, Query

KNOCKS = (0.5, 1.5, 5.5)
TALK = (2.0, 4.5)
SECONDS = 6.0
EVENTS = (*map(click, KNOCKS), speech(TALK[0], TALK[1] - TALK[0]))


def samples_of(rate: int, seconds: float = SECONDS, events: Sequence[Any] = EVENTS, **more: Any) -> np.ndarray:
    """Three knocks and somebody who talks, mono float32 in [-1, 1]."""
    blocks = list(sound_blocks(SoundSpec(events=tuple(events), rate=rate, **more), round(seconds * rate)))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def encode(path: Path, samples: np.ndarray, rate: int, codec: str, **more: Any) -> Path:
    """Sound alone. ``samples``: mono, or (channels, n) with ``layout``. ``start_s``: of its first sample."""
    layout, start_s = more.get("layout", "mono"), more.get("start_s", 0.0)
    options = {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}
    with av.open(str(path), "w", format=more.get("container"), options=options) as container:
        add_sound(container, samples, rate, codec, layout, start_s)
    return path


def add_sound(container: Any, samples: np.ndarray, rate: int, codec: str, layout: str, start_s: float) -> None:
    stream = container.add_stream(codec, rate=rate)
    context = stream.codec_context
    context.options = {"strict": "experimental"}  # FFmpeg's own encoder of Vorbis is still called that
    known = [form.name for form in context.codec.audio_formats or ()]
    context.layout, context.format = layout, known[0] if known else "s16"
    context.time_base = stream.time_base = Fraction(1, rate)
    planes = np.atleast_2d(samples).astype(np.float32)
    size = 1024
    convert = av.AudioResampler(context.format.name, layout, rate)
    for at in range(0, planes.shape[1], size):
        part = np.ascontiguousarray(planes[:, at : at + size].T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, format="flt", layout=layout)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = round(start_s * rate) + at
        for ready in convert.resample(frame):
            container.mux(stream.encode(ready))
    container.mux(stream.encode(None))


PCM, FLOAT = 1, 3


def wav(data: bytes, rate: int = 16_000, bits: int = 16, kind: int = PCM, **claims: int | None) -> bytes:
    """A RIFF file by hand, mono; ``size`` and ``claims_rate``: what its header claims in place of the truth."""
    size, rate = claims.get("size"), claims.get("claims_rate", rate)
    claimed = len(data) if size is None else size
    head = struct.pack("<HHIIHH", kind, 1, rate, min(0xFFFFFFFF, rate * bits // 8), bits // 8, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", claimed) + data
    return b"RIFF" + struct.pack("<I", min(0xFFFFFFFF, claimed + 36)) + body


def int16(samples: np.ndarray) -> bytes:
    return np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def app_at(folder: Path, **more: Any) -> App:
    given = {"executor": "inline", **more}
    return App(Settings(store=str(folder / "store.db"), cache_dir=str(folder / "cache"), **given))


def annotate(folder: Path, *paths: Path, **more: Any) -> Any:
    """The report. ``wanted`` and ``options``: annotators and theirs; the rest are settings."""
    folder.mkdir(parents=True, exist_ok=True)
    request = Request(tuple(more.pop("wanted", ("loudness", "speech"))), more.pop("options", {}))
    with app_at(folder, **more) as app:
        return app.annotate(list(paths), request)


def stored(folder: Path, *types: str, video_id: str | None = None) -> list[Annotation]:
    query = Query(types=types, video_ids=(video_id,) if video_id else ())
    with app_at(folder) as app:
        return [row.annotation for row in app.store().find(query)]


def exported(folder: Path, clip: Path) -> bytes:
    """Every current row of the store, without the place where the clip lies."""
    with app_at(folder) as app:
        out = io.BytesIO()
        JsonlExporter().write(ExportSource(app.store(create=False)), out)
    return out.getvalue().replace(str(clip).encode(), b"CLIP")


def times(rows: Sequence[Annotation]) -> list[tuple[float, float]]:
    return [(row.span.start.seconds, row.span.end.seconds) for row in rows]
