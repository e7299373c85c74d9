"""Sound of generated clips: a function of the sample number alone, made block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cortexia.testing.spec import SoundEventSpec, SoundSpec

BLOCK = 1024
_RAMP_S = 0.002
_SYLLABLE_S = 0.18
_VOWELS_HZ = (
    (730.0, 1090.0, 2440.0),
    (270.0, 2290.0, 3010.0),
    (300.0, 870.0, 2240.0),
    (530.0, 1840.0, 2480.0),
    (570.0, 840.0, 2410.0),
    (660.0, 1720.0, 2410.0),
)
"""First three formants of vowels of men, after G. E. Peterson and H. L. Barney, "Control methods used in a study of the
vowels", J. Acoust. Soc. Am. 24 (1952)."""

_CLAP_S = 0.006
_CLAPS = 1 << 16
"""Random numbers of claps come from streams of their own."""
_LAUGH_HZ = 5.0
_LAUGH_PHRASE_S = 1.2
_LAUGH_VOWEL_HZ = (660.0, 1500.0, 2500.0)

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
    if event.kind == "speech":
        return envelope * _voice(event.hz, seconds, spec.rate)
    rng = _random(spec.seed, 1 + ordinal, start // BLOCK)
    hiss = rng.uniform(-1.0, 1.0, BLOCK)[-len(at) :]
    if event.kind == "noise":
        return envelope * hiss
    if event.kind == "applause":
        return envelope * hiss * _claps(spec.seed, ordinal, event.hz, seconds)
    return envelope * _laugh(event.hz, seconds, hiss)


def _claps(seed: int, ordinal: int, per_s: float, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """One clap somewhere in each ``1 / per_s`` s, as loud as it happens to be: amplitude of what then dies away."""
    slots = np.floor(seconds * per_s).astype(np.int64)
    oldest = max(0, int(slots[0]) - int(6 * _CLAP_S * per_s) - 1)
    amplitude = np.zeros_like(seconds)
    for slot in range(oldest, int(slots[-1]) + 1):
        when, chance = _random(seed, _CLAPS + ordinal, slot).uniform(size=2)
        since = seconds - (slot + when) / per_s
        amplitude += np.where(since >= 0, (0.2 + 0.8 * chance**2) * np.exp(-np.maximum(since, 0.0) / _CLAP_S), 0.0)
    return np.minimum(1.0, 0.8 * amplitude)


def _laugh(pitch_hz: float, seconds: NDArray[np.float64], hiss: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bursts of one vowel with breath in it, and breath between them. Rate and falling pitch after J.-A. Bachorowski et
    al., "The acoustic features of human laughter", J. Acoust. Soc. Am. 110 (2001)."""
    phrase = seconds % _LAUGH_PHRASE_S
    turns = np.floor(seconds / _LAUGH_PHRASE_S) * (_LAUGH_PHRASE_S - 0.125 * _LAUGH_PHRASE_S)
    cycles = turns + phrase - 0.125 * phrase**2 / _LAUGH_PHRASE_S
    burst = np.maximum(0.0, np.sin(2 * np.pi * _LAUGH_HZ * seconds)) ** 0.7
    harmonics = np.arange(1.0, int(3600.0 / pitch_hz) + 1)
    weights = _formant_weights(_LAUGH_VOWEL_HZ, pitch_hz * harmonics)
    voice = sum(
        weight * np.sin(2 * np.pi * pitch_hz * number * cycles)
        for number, weight in zip(harmonics, weights, strict=True)
    )
    breath = np.convolve(hiss, np.full(7, 1 / 7), "same")
    return np.asarray((1 - 0.5 * phrase / _LAUGH_PHRASE_S) * (burst * (0.2 * voice + 0.3 * breath) + 0.06 * breath))


def _envelope(spec: SoundSpec, event: SoundEventSpec, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """2 ms ramps at both ends: an onset without a click of its own."""
    first, stop = event_samples(spec, event)
    ramp = max(1, round(_RAMP_S * spec.rate))
    return np.minimum(1.0, np.minimum((at + 1) / ramp, (stop - first - at) / ramp))


def _voice(pitch_hz: float, seconds: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Harmonics of a gliding pitch, weighted by the formants of a vowel that changes with each syllable."""
    glide = 2 * np.pi * (pitch_hz * seconds + 0.12 * pitch_hz * np.sin(2 * np.pi * 0.7 * seconds) / (2 * np.pi * 0.7))
    harmonics = np.arange(1.0, int(min(3600.0, rate * 0.45) / (pitch_hz * 1.12)) + 1)
    weights = np.array([_formant_weights(vowel, pitch_hz * harmonics) for vowel in _VOWELS_HZ]) / harmonics**0.3
    place = seconds / _SYLLABLE_S
    vowels = (place.astype(np.int64) * 7 // 3) % len(_VOWELS_HZ)
    wave = np.zeros_like(seconds)
    for number, harmonic in enumerate(harmonics):
        wave += weights[vowels, number] * np.sin(harmonic * glide)
    return np.asarray(0.28 * np.sqrt(np.sin(np.pi * (place % 1.0))) * wave)


def _formant_weights(vowel: tuple[float, float, float], hz: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.full(len(hz), 0.005)
    for centre, width, height in zip(vowel, (90.0, 110.0, 170.0), (1.0, 0.6, 0.3), strict=True):
        weights += height / (1 + ((hz - centre) / width) ** 2)
    return weights


def _random(seed: int, stream: int, block: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed << 32 | stream, counter=block << 64))
