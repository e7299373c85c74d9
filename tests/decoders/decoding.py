"""Passes over real files, collected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cortexia.decoders.base import DecodeRequest, ViewRequest
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.types import Anchor, AudioBlock, Frame, MediaInfo, Sampling, Verdict, ViewSpec

GRAY = ViewSpec(pixel_format="gray")
BGR = ViewSpec()


@dataclass
class Pass:
    info: MediaInfo
    frames: list[Frame]
    blocks: list[AudioBlock]
    verdict: Verdict
    anchors: tuple[Anchor, ...]
    contexts_opened: int

    @property
    def sound(self) -> np.ndarray:
        return np.concatenate([block.samples for block in self.blocks]) if self.blocks else np.zeros(0, np.float32)


def decode(
    path: Path, sampling: Sampling | None = None, views: tuple[ViewSpec, ...] = (GRAY,), audio: bool = False, **request
) -> Pass:
    """Everything that comes out of one pass."""
    decoder = PyAVDecoder()
    info = decoder.probe(path)
    video = (ViewRequest(sampling or Sampling.every(), views),)
    wanted = DecodeRequest(video=video, audio_rate=16_000 if audio else None, **request)
    frames: list[Frame] = []
    blocks: list[AudioBlock] = []
    with decoder.open(path, info, wanted) as stream:
        for item in stream:
            (blocks if isinstance(item, AudioBlock) else frames).append(item)
        return Pass(info, frames, blocks, stream.verdict(), stream.anchors(), stream.contexts_opened)
