"""Sound events: how many are found with each choice of a model, and how fast, beside LiteRT driven by hand.

    python benchmarks/sounds.py [--json FILE]

Truth: the montage of the shared data, and mixes made in memory: the crowd's laughter of ``audio/events`` three times in
each speech clip, between half seconds of silence or right into the speech, at several ratios of its level to the
speech's (dB, RMS over where each sounds). An event counts as found where an event of its label shares at least half of
the time that the two cover together, each used once; all others are false. There is one recording of laughter and none
of applause, crying or a crowd in that data: figures for those would be made up, so there are none. AST has no weights
there.
Speed: seconds of sound for a second of work; by hand, LiteRT is given spectra that were made beforehand, one for each
of the same windows.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from _common import DATA, Row, interleaved, show, write_json
from cortexia.annotators.base import SessionContext
from cortexia.annotators.sounds import Sounds
from cortexia.config import load_settings
from cortexia.models.access import ModelSettings, open_models
from cortexia.models.adapters.yamnet import PATCH, PATCH_HOP, Yamnet
from cortexia.models.base import ModelAccess
from cortexia.types import Annotation, AudioBlock, MediaInfo, Timestamp, Verdict, VerdictStatus

RATE = 16_000
CHOICES = ("yamnet", "offline")
LAUGHTER = "laughter"
SPEECH = (
    "audio/speech/jfk.flac",
    "audio/speech/sense_and_sensibility_01_austen_64kb-0870.wav",
    "audio/diarization/dev00.wav",
    "audio/diarization/pyannote_sample.wav",
    "videos/mdn/friday.mp4",
)
RATIOS_DB = (20, 10, 5, 0, -5)
PLACES = {"in pauses": True, "over speech": False}
Interval = tuple[float, float]


def read(path: Path) -> np.ndarray:
    """Mono at 16 kHz."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    parts = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            frame.pts = None
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return np.concatenate(parts).astype(np.float32)


def blocks(samples: np.ndarray) -> list[AudioBlock]:
    """As the decoder cuts them: a quarter of a second each."""
    step = RATE // 4
    return [
        AudioBlock(at, Timestamp(at, Fraction(1, RATE)), samples[at : at + step], RATE)
        for at in range(0, len(samples), step)
    ]


def listen(samples: np.ndarray, model: str, models: ModelAccess) -> list[Annotation]:
    media = MediaInfo("wav", 0, None, Fraction(0), None, None, Verdict(VerdictStatus.OK))
    session = Sounds(model=model).session(SessionContext(media, lambda data, suffix: "", models))
    rows = [row for block in blocks(samples) for row in session.process([block], [[]])[0]]
    rows += session.finish([])
    session.close()
    return rows


def level(samples: np.ndarray) -> float:
    """RMS of the 20 ms pieces within 30 dB of the loudest."""
    pieces = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    powers = (pieces.astype(float) ** 2).mean(axis=1)
    return float(np.sqrt(powers[powers > powers.max() / 1000].mean()))


def mix(talk: np.ndarray, laugh: np.ndarray, ratio_db: float, in_pauses: bool) -> tuple[np.ndarray, list[Interval]]:
    """The laughter three times in the speech, and when."""
    loud = laugh * (level(talk) / level(laugh)) * 10 ** (ratio_db / 20)
    third = len(talk) // 3
    quiet = np.zeros(RATE // 2, np.float32)
    parts: list[np.ndarray] = []
    truth: list[Interval] = []
    for number in range(3):
        part = talk[number * third : (number + 1) * third].copy()
        begun = sum(map(len, parts))
        if in_pauses:
            parts += [part, quiet, loud, quiet]
            start = begun + len(part) + len(quiet)
        else:
            at = max(0, (len(part) - len(loud)) // 2)
            fits = loud[: len(part) - at]
            part[at : at + len(fits)] += fits
            parts.append(part)
            start = begun + at
            truth.append((start / RATE, (start + len(fits)) / RATE))
            continue
        truth.append((start / RATE, (start + len(loud)) / RATE))
    return np.clip(np.concatenate(parts), -1, 1).astype(np.float32), truth


def matched(found: Sequence[Interval], truth: Sequence[Interval]) -> int:
    """Pairs of which each shares at least half of what both cover, each used once."""
    left = list(found)
    pairs = 0
    for start, end in truth:
        for other in left:
            common = min(end, other[1]) - max(start, other[0])
            if common > 0 and common >= 0.5 * (max(end, other[1]) - min(start, other[0])):
                left.remove(other)
                pairs += 1
                break
    return pairs


def seconds(rows: Sequence[Annotation], label: str) -> list[Interval]:
    return [(row.span.start.seconds, row.span.end.seconds) for row in rows if row.label == label]


def scored(name: str, model: str, cases: Sequence[tuple[np.ndarray, list[Interval]]], models: ModelAccess) -> Row:
    pairs = wanted = said = others = 0
    for samples, truth in cases:
        rows = listen(samples, model, models)
        found = seconds(rows, LAUGHTER)
        pairs += matched(found, truth)
        wanted, said = wanted + len(truth), said + len(found)
        others += len(rows) - len(found)
    return {
        "laughter": name,
        "model": model,
        "found": f"{pairs} of {wanted}",
        "false": said - pairs,
        "F1": round(2 * pairs / (wanted + said), 3) if wanted + said else "-",
        "rows of other labels": others,
    }


def quality(models: ModelAccess) -> list[Row]:
    truth = json.loads((DATA / "gt/montage_cuts_speech.json").read_text())["audio_events"]
    wanted = [(event["start"], event["end"]) for event in truth if event["label"] == LAUGHTER]
    montage = [(read(DATA / "videos/composed/montage_cuts_speech.mp4"), wanted)]
    laugh = read(DATA / "audio/events/crowd_laugh_1.wav")
    talks = [read(DATA / name) for name in SPEECH]
    rows = [scored("montage", model, montage, models) for model in CHOICES]
    rows += [scored("none: speech alone", model, [(talk, []) for talk in talks], models) for model in CHOICES]
    for place, in_pauses in PLACES.items():
        for ratio in RATIOS_DB:
            cases = [mix(talk, laugh, ratio, in_pauses) for talk in talks]
            rows += [scored(f"{place}, {ratio:+d} dB", model, cases, models) for model in CHOICES]
    return rows


def speed(models: ModelAccess) -> list[Row]:
    talk = np.concatenate([read(DATA / name) for name in SPEECH])
    laugh = np.tile(read(DATA / "audio/events/crowd_laugh_1.wav"), 7)
    family, session = Yamnet(), models.open("yamnet")
    windows = [talk[at : at + PATCH] for at in range(0, len(talk) - PATCH + 1, PATCH_HOP)]
    spectra = [family.prepare(window)[None] for window in windows]
    feed = session.inputs[0].name
    runners = {
        "LiteRT by hand, spectra made before": lambda: [session.run({feed: patch}) for patch in spectra],
        "yamnet, speech": lambda: listen(talk, "yamnet", models),
        "offline, speech": lambda: listen(talk, "offline", models),
        "offline, laughter all the time": lambda: listen(laugh, "offline", models),
    }
    lengths = {name: len(laugh if "laughter" in name else talk) / RATE for name in runners}
    taken = interleaved(runners, 3)
    return [{"speed": name, "times real time": round(lengths[name] / taken[name], 1)} for name in runners]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    if not (DATA / "gt/montage_cuts_speech.json").is_file():
        print(f"left out: no sounds below {DATA}; set CORTEXIA_TEST_DATA to a folder that has them")
        return 0
    settings = ModelSettings.of(load_settings().settings)
    models = open_models(dataclasses.replace(settings, folders=(DATA / "models",), cache=None, threads=1))
    found = quality(models)
    show(found)
    for model in CHOICES:
        mean = statistics.mean(float(str(row["F1"])) for row in found if row["model"] == model and row["F1"] != "-")
        print(f"{model}: mean F1 over the montage and all mixes {mean:.3f}")
    fast = speed(models)
    show(fast)
    write_json(chosen.json, {"sounds": found, "speed": fast})
    return 0


if __name__ == "__main__":
    sys.exit(main())
