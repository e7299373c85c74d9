"""Sound of generated clips: a function of the sample number alone, made block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cortexia.testing.spec import SoundEventSpec, SoundSpec

BLOCK = 1024
_RAMP_S = 0.002
_FORMANTS_HZ = ((620.0, 90.0), (1180.0, 120.0), (2500.0, 180.0))

Samples = NDArray[np.float32]


def sound_blocks(spec: SoundSpec, samples: int) -> Iterator[Samples]:
    """``samples`` mono samples in [-1, 1], in blocks of 1024 (the last one shorter)."""
    for start in range(0, samples, BLOCK):
        count = min(BLOCK, samples - start)
        block = _floor(spec, start, count)
        for ordinal, event in enumerate(spec.events):
            _add(block, spec, event, ordinal, start)
        yield np.clip(block, -1.0, 1.0).astype(np.float32)


def event_samples(spec: SoundSpec, event: SoundEventSpec) -> tuple[int, int]:
    """First sample of an event and the one after its last."""
    first = round(event.start_s * spec.rate)
    return first, first + max(1, round(event.duration_s * spec.rate))


def _floor(spec: SoundSpec, start: int, count: int) -> NDArray[np.float64]:
    if not spec.floor:
        return np.zeros(count)
    return spec.floor * _random(spec.seed, 0, start // BLOCK).uniform(-1.0, 1.0, count)


def _add(block: NDArray[np.float64], spec: SoundSpec, event: SoundEventSpec, ordinal: int, start: int) -> None:
    first, stop = event_samples(spec, event)
    low, high = max(first, start), min(stop, start + len(block))
    if low >= high:
        return
    at = np.arange(low - first, high - first)
    wave = _wave(spec, event, ordinal, at, start)
    block[low - start : high - start] += event.level * wave


def _wave(
    spec: SoundSpec, event: SoundEventSpec, ordinal: int, at: NDArray[np.int64], start: int
) -> NDArray[np.float64]:
    seconds = at / spec.rate
    if event.kind == "click":
        pitch = min(2000.0, spec.rate / 5)
        return np.exp(-seconds / 0.001) * np.cos(2 * np.pi * pitch * seconds)
    envelope = _envelope(spec, event, at)
    if event.kind == "tone":
        return envelope * np.sin(2 * np.pi * event.hz * seconds)
    if event.kind == "noise":
        rng = _random(spec.seed, 1 + ordinal, start // BLOCK)
        return envelope * rng.uniform(-1.0, 1.0, BLOCK)[-len(at) :]
    return envelope * _voice(event.hz, seconds, spec.rate)


def _envelope(spec: SoundSpec, event: SoundEventSpec, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """2 ms ramps at both ends: an onset without a click of its own."""
    first, stop = event_samples(spec, event)
    ramp = max(1, round(_RAMP_S * spec.rate))
    return np.minimum(1.0, np.minimum((at + 1) / ramp, (stop - first - at) / ramp))


def _voice(pitch_hz: float, seconds: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Harmonics of a gliding pitch, weighted by three formants, in syllables of a quarter second."""
    glide = 2 * np.pi * (pitch_hz * seconds + 0.04 * pitch_hz * np.sin(2 * np.pi * 0.7 * seconds) / (2 * np.pi * 0.7))
    wave = np.zeros_like(seconds)
    for harmonic in range(1, int(min(3600.0, rate * 0.45) / (pitch_hz * 1.05)) + 1):
        hz = harmonic * pitch_hz
        weight = sum(np.exp(-(((hz - centre) / width) ** 2) / 2) for centre, width in _FORMANTS_HZ)
        wave += (0.08 + weight) / harmonic**0.5 * np.sin(harmonic * glide)
    syllables = 0.55 + 0.45 * np.cos(2 * np.pi * 4.0 * seconds)
    return np.asarray(0.28 * syllables * wave)


def _random(seed: int, stream: int, block: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed << 32 | stream, counter=block << 64))
