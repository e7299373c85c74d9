"""The decoder as a plain function, for runs over collections of odd and hostile files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cortexia.decoders.base import DamageFound, DecodeRequest, ViewRequest
from cortexia.decoders.choice import ContentDecoder
from cortexia.types import Sampling, Verdict, ViewSpec

_VIEW = ViewSpec(bound=64, pixel_format="gray")


def decode_for_conformance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Decode every picture and all sound of ``path`` as the engine does.

    Returns ``status`` (``ok``, ``partial``, ``audio_only``, ``rejected``), ``frames``, ``reason`` and ``error``.
    """
    decoder = ContentDecoder()
    file = Path(os.path.abspath(path))  # noqa: PTH100 - links are not followed
    info = decoder.probe(file)
    frames = 0
    verdict = info.verdict
    if verdict.status != "rejected":
        for threads in (2, 1):
            try:
                frames, verdict = _decode(decoder, file, info, threads)
                break
            except DamageFound:
                continue
    is_sound_only = info.video is None and verdict.status != "rejected"
    status = "audio_only" if is_sound_only else verdict.status.value
    return {"status": status, "frames": frames, "reason": verdict.reason, "error": verdict.message or None}


def _decode(decoder: ContentDecoder, file: Path, info: Any, threads: int) -> tuple[int, Verdict]:
    request = DecodeRequest(video=(ViewRequest(Sampling.every(), (_VIEW,)),), audio_rate=16_000, threads=threads)
    frames = 0
    with decoder.open(file, info, request) as stream:
        for item in stream:
            if hasattr(item, "is_keyframe"):
                frames += 1
        return frames, stream.verdict()
