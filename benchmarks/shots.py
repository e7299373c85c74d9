"""Shots: F1 and speed beside PySceneDetect's AdaptiveDetector, and speed beside ``ffmpeg -f null``.

    python benchmarks/shots.py [--rounds 5] [--json FILE] [--clips PART]

F1: on generated clips with exact truth (painted places; photographs and real clips, too, where the shared data is
found). A cut counts when it is found within one frame, a gradual transition when one boundary lies inside it. Where
there is no boundary, F1 is 1 for finding none and 0 else. The product must not be below the peer on any clip.

Speed: the product's decoder and annotator with two threads, the peer as ``scenedetect.detect`` runs it, ffmpeg with two
threads; in turns, medians, as ratios to ffmpeg. Target: >= 0.85 at 1080p.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

from scenedetect import AdaptiveDetector, detect

from _common import DATA, Row, ffmpeg_null, interleaved, show, write_json
from clips.joined_takes import joined_takes
from clips.shots_suite import painted_places, photographed_places, suite
from cortexia.annotators.base import SessionContext
from cortexia.annotators.shots import Shots
from cortexia.decoders.base import DecodeRequest, ViewRequest
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.testing import Camera, Mover, ShotSpec, VideoSpec, dissolve, make_video
from cortexia.types import Annotation, AudioBlock

Spans = Sequence[Sequence[int]]

SINGLE_TAKES = (
    "intel/one-by-one-person-detection.mp4",
    "intel/car-detection.mp4",
    "intel/bottle-detection.mp4",
    "intel/asl_walk.mkv",
    "mdn/flower.mp4",
    "mdn/friday.mp4",
    "misc/bigbuckbunny.mp4",
)


@dataclass(frozen=True)
class Case:
    name: str
    path: Path
    boundaries: Spans


def f1(found: Sequence[int], truth: Spans) -> float:
    if not truth:
        return float(not found)
    left = list(found)
    hits = 0
    for first, last in truth:
        inside = [start for start in left if first <= start <= last]
        if inside:
            left.remove(inside[0])
            hits += 1
    return 2 * hits / (len(truth) + len(found))


# -- who is compared


def product(path: Path) -> list[int]:
    """Decoder and annotator as the engine drives them, one frame at a time."""
    recipe, decoder = Shots(), PyAVDecoder()
    info = decoder.probe(path)
    request = DecodeRequest(video=(ViewRequest(recipe.sampling, recipe.views),), threads=2)
    session = recipe.session(SessionContext(info, lambda data, suffix: ""))
    made: list[Annotation] = []
    with decoder.open(path, info, request) as stream:
        for frame in stream:
            if not isinstance(frame, AudioBlock):
                made += session.process([frame], [()])[0]
    made += session.finish(())
    return [shot.frame_index or 0 for shot in made[1:]]


def decode_only(path: Path) -> None:
    """The same pass without the annotator: what the view alone costs."""
    recipe, decoder = Shots(), PyAVDecoder()
    info = decoder.probe(path)
    request = DecodeRequest(video=(ViewRequest(recipe.sampling, recipe.views),), threads=2)
    with decoder.open(path, info, request) as stream:
        for frame in stream:
            if not isinstance(frame, AudioBlock):
                frame.view(recipe.views[0])


def peer(path: Path) -> list[int]:
    return [start.frame_num for start, _ in detect(str(path), AdaptiveDetector())[1:]]


# -- clips


def generated(folder: Path, part: str) -> Iterator[Case]:
    photographs = photographed_places(DATA)
    clips = suite(painted_places()) + (suite(photographs, "photo-") if photographs else [])
    for clip in (*clips, *joined_takes(DATA)):
        if part in clip.name:
            yield Case(clip.name, clip.write(folder / f"{clip.name}.mp4"), clip.boundaries)


def real(part: str) -> Iterator[Case]:
    videos = DATA / "videos"
    if not videos.is_dir():
        print(f"no shared data at {DATA}: generated clips only", file=sys.stderr)
        return
    truth = json.loads((DATA / "gt/montage_cuts_speech.json").read_text())
    montage = [(cut - 1, cut + 1) for cut in truth["hard_cuts"]]
    montage += [(item["start"], item["end"]) for item in truth["gradual"] if item["type"] == "dissolve"]
    cases = [
        Case("real-montage", videos / "composed/montage_cuts_speech.mp4", montage),
        # Looked at: the card changes its colour at frames 10 and 20; black is at about 84 and 167.
        Case("real-counter", videos / "cuts/counter.mp4", [(9, 11), (19, 21)]),
        Case("real-fades", videos / "cuts/fades.mp4", [(63, 105), (146, 188)]),
        *(Case(f"real-{Path(name).stem}", videos / name, ()) for name in SINGLE_TAKES),
    ]
    yield from (case for case in cases if part in case.name)


def large(folder: Path) -> Case:
    """Twenty seconds of 1080p: several shots, a dissolve, movement."""
    scenes = ("dusk", "city", "forest", "meadow", "sea")
    takes = [
        ShotSpec(
            duration_s=4.0,
            scene=scene,
            camera=Camera(pan_x=0.05, shake=0.003),
            movers=(Mover(size=0.25),),
            grain=4.0,
            transition_out=dissolve(12),
        )
        for scene in scenes
    ]
    spec = VideoSpec(1920, 1080, Fraction(25), tuple(takes), encoder={"preset": "veryfast", "crf": "23"}, bframes=2)
    make_video(folder / "large.mp4", spec)
    return Case("generated-1080p", folder / "large.mp4", ())


# -- measuring


def quality(cases: Iterator[Case]) -> list[Row]:
    rows: list[Row] = []
    for case in cases:
        found, theirs = product(case.path), peer(case.path)
        rows.append(
            {
                "clip": case.name,
                "boundaries": len(case.boundaries),
                "f1": round(f1(found, case.boundaries), 4),
                "f1_adaptive": round(f1(theirs, case.boundaries), 4),
            }
        )
    return rows


def speed(cases: Sequence[Case], rounds: int) -> list[Row]:
    rows = []
    for case in cases:
        runners: dict[str, Callable[[Path], object]] = {
            "ffmpeg": ffmpeg_null,
            "shots": product,
            "decode": decode_only,
            "adaptive": peer,
        }
        medians = interleaved({name: partial(runner, case.path) for name, runner in runners.items()}, rounds)
        limit = medians.pop("ffmpeg")
        ratios = {name: round(limit / seconds, 3) for name, seconds in medians.items()}
        rows.append({"clip": case.name, "ffmpeg_s": round(limit, 3), **ratios})
    return rows


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--clips", default="", help="only clips with this in their name (F1 alone)")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        found = quality(case for source in (real(chosen.clips), generated(folder, chosen.clips)) for case in source)
        if not found:
            sys.exit(f"no clip has {chosen.clips!r} in its name")
        show(found)
        below = [row["clip"] for row in found if float(str(row["f1"])) < float(str(row["f1_adaptive"]))]
        for key in ("f1", "f1_adaptive"):
            print(f"mean {key}: {statistics.mean(float(str(row[key])) for row in found):.4f}")
        print(f"below the peer: {', '.join(map(str, below)) or 'none'}\n")
        timed = speed([large(folder), *real("montage"), *real("car")], chosen.rounds) if not chosen.clips else []
        show(timed)
    write_json(chosen.json, {"quality": found, "speed": timed})
    return int(bool(below))


if __name__ == "__main__":
    sys.exit(main())
