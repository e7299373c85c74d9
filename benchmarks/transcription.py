"""Word error rates and speed of what transcribes here, beside the library driven by hand.

    python benchmarks/transcription.py [--json FILE]

Truth: the transcripts of the shared speech, the cues of ``friday.mp4`` and the texts of the montage. Texts are compared
in lower case without punctuation; the rate is that of ``jiwer``: substitutions, deletions and insertions over the words
of the truth. "cortexia": ``speech`` and ``transcription`` as in a job. "by hand": PocketSphinx on the whole file, as
its documentation shows. Whisper's weights are not among the shared data: where a model for transcription is in a models
folder (``CORTEXIA_MODELS``) it is measured, else it says so.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import jiwer
import numpy as np
import pocketsphinx

from _common import DATA, Row, show, write_json
from cortexia.annotators.base import SessionContext
from cortexia.annotators.speech import Speech
from cortexia.annotators.transcription import POCKETSPHINX, Transcription
from cortexia.config import load_settings
from cortexia.models.shop import ModelShop
from cortexia.types import AudioBlock, MediaInfo, Timestamp, Utterance, Verdict, VerdictStatus

RATE = 16_000
BLOCK = RATE // 4
SENTENCE = "audio/speech/sense_and_sensibility_01_austen_64kb-{}.wav"


def truths() -> dict[str, str]:
    """What is said in each file."""
    lines = (DATA / "audio/speech/librivox_transcription.txt").read_text().splitlines()
    spoken = {line.rsplit("-", 1)[1].rstrip(")"): re.sub(r"<s>|</s>|\(.*\)", "", line) for line in lines}
    found = {"audio/speech/jfk.flac": json.loads((DATA / "gt/jfk_words_forced_alignment.json").read_text())["text"]}
    found |= {SENTENCE.format(number): spoken[number] for number in ("0870", "0880", "0890")}
    cues = re.sub(r"WEBVTT|.*-->.*|<[^>]*>", "", (DATA / "gt/mdn/friday.vtt").read_text())
    events = json.loads((DATA / "gt/montage_cuts_speech.json").read_text())["audio_events"]
    montage = " ".join(event["text"] for event in events if event["text"])
    return {**found, "videos/composed/montage_cuts_speech.mp4": montage, "videos/mdn/friday.mp4": cues}


def plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w' ]", " ", text.lower().replace("mr.", "mister")).split())


def read_sound(path: Path) -> np.ndarray:
    parts = []
    with av.open(str(path)) as container:
        to_mono = av.AudioResampler("flt", "mono", RATE)
        for frame in [*container.decode(audio=0), None]:
            parts += [piece.to_ndarray()[0] for piece in to_mono.resample(frame)]
    return np.concatenate(parts)


def ours(samples: np.ndarray, context: SessionContext, model: str) -> str:
    speech, words = Speech().session(context), Transcription(model=model).session(context)
    said = []
    for at in range(0, len(samples), BLOCK):
        block = AudioBlock(at, Timestamp(at, Fraction(1, RATE)), samples[at : at + BLOCK], RATE)
        told = speech.process([block], [[]])
        said += words.process([block], told)[0]
    said += words.finish(speech.finish(()))
    return " ".join(row.text for row in said if isinstance(row, Utterance))


def by_hand(samples: np.ndarray) -> str:
    decoder = pocketsphinx.Decoder(samprate=RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""


def measured(choice: str, transcribe, sounds: dict[str, np.ndarray]) -> list[Row]:
    rows: list[Row] = []
    heard, truth = [], []
    spent = length = 0.0
    for name, text in truths().items():
        begun = time.perf_counter()
        heard.append(plain(transcribe(sounds[name])))
        took = time.perf_counter() - begun
        truth.append(plain(text))
        spent, length = spent + took, length + len(sounds[name]) / RATE
        rows.append(_row(choice, Path(name).name, jiwer.wer(truth[-1], heard[-1]), len(sounds[name]) / RATE / took))
    return [*rows, _row(choice, "all", jiwer.wer(truth, heard), length / spent)]


def _row(choice: str, file: str, rate: float, speed: float) -> Row:
    return {"words by": choice, "file": file, "word error rate": round(rate, 3), "x real time": round(speed, 2)}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    shop = ModelShop(load_settings().settings)
    media = MediaInfo("wav", 0, None, Fraction(0), None, None, Verdict(VerdictStatus.OK))
    context = SessionContext(media, lambda data, suffix: "", shop.access)
    sounds = {name: read_sound(DATA / name) for name in truths()}
    rows = measured("pocketsphinx, cortexia", lambda samples: ours(samples, context, POCKETSPHINX), sounds)
    rows += measured("pocketsphinx, by hand", by_hand, sounds)
    best = shop.best("transcription")
    if best:
        rows += measured(best, lambda samples: ours(samples, context, best), sounds)
    show(rows)
    if not best:
        print("whisper: not measured (no weights in the models folders)")
    write_json(options.json, {"transcription": rows, "whisper": best or "not measured: no weights"})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
