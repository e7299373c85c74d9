"""Clips of bright squares before a dim place, and the model that finds them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from footage import place
from tiny_detector import bright_finder
from tiny_onnx import entry_of

from cortexia.app import App
from cortexia.config import load_settings
from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter

SIZE = (416, 234)
FPS = 10
SIDE = 48
MODEL = "bright-finder"
ENCODER = {"preset": "veryfast", "crf": "20", "x264-params": "mbtree=0"}
"""Without x264's macroblock tree, which reads memory that nobody wrote to: so a clip is the same each time."""

Position = Callable[[float], tuple[float, float] | None]
"""Left and top edge of a square at a time in seconds; ``None`` while it is not there."""


def write_clip(path: Path, seconds: float, squares: tuple[Position, ...] = ()) -> Path:
    backdrop = (place(2, *SIZE) // 4).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=ENCODER)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(round(seconds * FPS)):
            picture = backdrop.copy()
            for square in squares:
                if (corner := square(number / FPS)) is not None:
                    left, top = (int(value) for value in corner)
                    picture[max(0, top) : max(0, top + SIDE), max(0, left) : max(0, left + SIDE)] = 245
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                container.mux(packet)
        container.mux(stream.encode())
    return path


def walks(start_s: float, end_s: float, first: tuple[float, float], last: tuple[float, float]) -> Position:
    """From ``first`` to ``last`` between two times."""

    def at(now: float) -> tuple[float, float] | None:
        if not start_s <= now < end_s:
            return None
        done = (now - start_s) / (end_s - start_s)
        return first[0] + done * (last[0] - first[0]), first[1] + done * (last[1] - first[1])

    return at


def settings_file(folder: Path, **more: Any) -> Path:
    """Settings with the model that finds bright squares in their catalogue, as a file; ``more`` on top."""
    folder.mkdir(parents=True, exist_ok=True)
    data = bright_finder()
    entry = replace(entry_of(data, MODEL), adapter="yolox", task="object detection, bright squares")
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / entry.file).write_bytes(data)
    lines = [f"{key} = {getattr(entry, key)!r}" for key in ("id", "task", "file", "size_bytes", "sha256", "licence")]
    lines += [f"{key} = {getattr(entry, key)!r}" for key in ("url", "adapter")]
    (folder / "own.toml").write_text("[[model]]\n" + "\n".join(lines) + "\n")
    given = {
        "store": str(folder / "store.db"),
        "cache_dir": str(folder / "cache"),
        "models": [str(folder / "models")],
        "model_catalog": str(folder / "own.toml"),
        **more,
    }
    (folder / "settings.toml").write_text("\n".join(f"{name} = {_toml(value)}" for name, value in given.items()) + "\n")
    return folder / "settings.toml"


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "objects": {"model": MODEL, "threshold": 0.5, "nms": 0.1},
    "tracks": {"buffer_s": 2.0},
    "masks": {"model": "offline", "per_second": 5.0},
}


def app_for(folder: Path, **more: Any) -> App:
    return App(load_settings({"executor": "inline", **more}, str(settings_file(folder)), environ={}).settings)


def exported(folder: Path, clip: Path) -> bytes:
    """Every current row of the store, without the place where the clip lies."""
    with app_for(folder) as app:
        out = io.BytesIO()
        JsonlExporter().write(ExportSource(app.store(create=False)), out)
    return out.getvalue().replace(str(clip).encode(), b"CLIP")
