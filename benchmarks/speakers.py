"""Diarization error rate of who speaks when, for every choice whose weights are here, and two that any must beat.

    python benchmarks/speakers.py [--models FOLDER] [--json FILE]

Truth: the RTTM and UEM files of ``gt/diarization`` of the shared data (30 s each: two excerpts of meetings, one of a
telephone call). A collar of 0.25 s in all (pyannote.metrics), overlap counts; beside it the rate with 0.25 s on either
side, as NIST takes it. ``--models``: a folder with weights of the catalogue, looked through besides the usual ones.
Speed: seconds of sound for each second, everything from samples to turns, on one thread.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation as Diarization
from pyannote.core import Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

from _common import DATA, Row, show, write_json
from cortexia.annotators.base import Annotator, SessionContext, StoredAnnotations, StreamAnnotator
from cortexia.annotators.speakers import Speakers
from cortexia.annotators.speech import Speech
from cortexia.annotators.voices import Voices
from cortexia.config import load_settings
from cortexia.errors import ModelError
from cortexia.models.access import ModelSettings, open_models
from cortexia.models.base import ModelAccess
from cortexia.types import Annotation, AudioBlock, MediaInfo, SpeakerTurn, Timestamp, Verdict, VerdictStatus

RATE = 16_000
BLOCK = 1024
COLLAR_S = 0.25
FILES = {
    "dev00": ("dev00", "debug.development"),
    "dev01": ("dev01", "debug.development"),
    "pyannote_sample": ("sample", "pyannote_sample"),
}
CHOICES = {
    "offline": {"model": "offline", "segmentation": "none"},
    "wespeaker": {"model": "wespeaker-resnet34-lm", "segmentation": "none"},
    "pyannote + offline": {"model": "offline", "segmentation": "pyannote-segmentation-3.0"},
    "pyannote + wespeaker": {"model": "wespeaker-resnet34-lm", "segmentation": "pyannote-segmentation-3.0"},
}
Samples = NDArray[np.float32]
Spoken = list[tuple[float, float, str]]


def samples_of(path: Path) -> Samples:
    """Mono at 16 kHz."""
    resampler = av.AudioResampler("flt", "mono", RATE)
    with av.open(str(path)) as container:
        frames = [made for frame in container.decode(audio=0) for made in resampler.resample(frame)]
        return np.concatenate([frame.to_ndarray()[0] for frame in (*frames, *resampler.resample(None))])


def context(models: ModelAccess | None) -> SessionContext:
    media = MediaInfo("wav", 0, None, Fraction(0), None, None, Verdict(VerdictStatus.OK))
    return SessionContext(media, lambda data, suffix: "", models, video_id="0" * 64)


def heard(recipe: StreamAnnotator, samples: Samples, around: SessionContext, upstream: Sequence[Annotation]) -> list:
    """Its rows, when rows of ``upstream`` arrive with the block in which they end."""
    session, made, told = recipe.session(around), [], list(upstream)
    for start in range(0, len(samples), BLOCK):
        part = samples[start : start + BLOCK]
        arrived = [row for row in told if row.span.end.seconds * RATE <= start + len(part)]
        told = told[len(arrived) :]
        made += session.process([AudioBlock(start, Timestamp(start, Fraction(1, RATE)), part, RATE)], [arrived])[0]
    made += session.finish(told)
    session.close()
    return made


def diarized(samples: Samples, options: dict[str, str], models: ModelAccess | None, speakers: Speakers) -> list:
    around = context(models)
    speech = heard(Speech(), samples, around, ())
    voices = heard(Voices(**options), samples, around, speech)
    return solved(speakers, [*speech, *voices], around)


def solved(recipe: Annotator, rows: Sequence[Annotation], around: SessionContext) -> list[SpeakerTurn]:
    rows = sorted(rows, key=lambda row: row.span.start)
    return list(recipe.solve(StoredAnnotations(lambda types: [row for row in rows if row.type in types]), around))


def spoken(turns: Iterable[Annotation]) -> Spoken:
    return [(turn.span.start.seconds, turn.span.end.seconds, str(turn.label)) for turn in turns]


def truth(uri: str, name: str) -> tuple[Diarization, Timeline]:
    told, whole = Diarization(uri=uri), Timeline([Segment(0.0, 30.0)])
    for line in (DATA / f"gt/diarization/{name}.rttm").read_text().splitlines():
        _, file, _, start, length, _, _, speaker, *_ = line.split()
        if file == uri:
            told[Segment(float(start), float(start) + float(length)), len(told)] = speaker
    uem = DATA / f"gt/diarization/{name}.uem"
    lines = [line.split() for line in uem.read_text().splitlines()] if uem.is_file() else []
    spans = [Segment(float(start), float(end)) for file, _, start, end in lines if file == uri]
    return told, Timeline(spans) if spans else whole


def errors(told: Diarization, uem: Timeline, found: Spoken) -> Row:
    made = Diarization(uri=told.uri)
    for number, (start, end, speaker) in enumerate(found):
        made[Segment(start, end), number] = speaker
    parts = DiarizationErrorRate(collar=COLLAR_S)(told, made, uem=uem, detailed=True)
    wide = DiarizationErrorRate(collar=2 * COLLAR_S)(told, made, uem=uem)
    whole = parts["total"]
    return {
        "DER": round(parts["diarization error rate"], 3),
        "missed": round(parts["missed detection"] / whole, 3),
        "false alarm": round(parts["false alarm"] / whole, 3),
        "confusion": round(parts["confusion"] / whole, 3),
        "DER, 0.25 s on either side": round(wide, 3),
        "speakers": f"{len(made.labels())} of {len(told.labels())}",
    }


def baselines(samples: Samples) -> dict[str, Spoken]:
    speech = spoken(heard(Speech(), samples, context(None), ()))
    return {
        "(one speaker)": [(start, end, "A") for start, end, _ in speech],
        "(each its own)": [(start, end, str(number)) for number, (start, end, _) in enumerate(speech)],
    }


def rows_of(name: str, models: ModelAccess) -> Iterable[Row]:
    uri, file = FILES[name]
    told, uem = truth(uri, file)
    samples = samples_of(DATA / f"audio/diarization/{name}.wav")
    for choice, found in baselines(samples).items():
        yield {"file": name, "speakers by": choice, **errors(told, uem, found), "x real time": "-"}
    for choice, options in CHOICES.items():
        begun = time.perf_counter()
        try:
            turns = diarized(samples, options, models, Speakers())
        except ModelError as error:
            print(f"{choice}: not measured, {error}", file=sys.stderr)
            continue
        spent = time.perf_counter() - begun
        facts = errors(told, uem, spoken(turns))
        yield {"file": name, "speakers by": choice, **facts, "x real time": round(len(samples) / RATE / spent, 1)}


def means(rows: Sequence[Row]) -> list[Row]:
    choices = dict.fromkeys(str(row["speakers by"]) for row in rows)
    of = {choice: [row for row in rows if row["speakers by"] == choice] for choice in choices}
    measures = ("DER", "missed", "false alarm", "confusion", "DER, 0.25 s on either side")
    return [
        {"mean of all": choice, **{key: round(float(np.mean([row[key] for row in own])), 3) for key in measures}}
        for choice, own in of.items()
    ]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--models", type=Path, action="append", default=[])
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    if not (DATA / "gt/diarization").is_dir():
        print(f"left out: no diarization below {DATA}; set CORTEXIA_TEST_DATA to a folder that has it")
        return 0
    settings = ModelSettings.of(load_settings().settings)
    folders = (*settings.folders, *chosen.models, DATA / "models")
    models = open_models(dataclasses.replace(settings, folders=folders, threads=1))
    rows = [row for name in FILES for row in rows_of(name, models)]
    show(rows)
    show(means(rows))
    write_json(chosen.json, {"speakers": rows, "means": means(rows)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
