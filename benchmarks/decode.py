"""Decoding beside its limit: ``ffmpeg -threads 2 -f null`` on the same file, and beside peers, in turns.

    python benchmarks/decode.py [--rounds 5] [--json FILE] [--clips PART]

Ratios are seconds of the limit over seconds of the case: 1.0 is as fast as decoding can be, and more than that means
that pictures were skipped. Targets at 1080p: small luma 0.95, full-size BGR 0.75, every 10th picture 1.2 with a key
picture every 250, key pictures 0.92 of ``ffmpeg -skip_frame nokey``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2

from _common import DATA, Row, ffmpeg_null, interleaved, judged, show, write_json
from cortexia.decoders.base import DecodeRequest, ViewRequest
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.testing import Camera, Mover, ShotSpec, VideoSpec, make_video
from cortexia.types import AudioBlock, Sampling, ViewSpec

SMALL_LUMA = ViewSpec(size=(64, 36), pixel_format="gray")
FULL_BGR = ViewSpec()
TARGETS = {"small luma": 0.95, "full BGR": 0.75, "every 10th": 1.2, "key pictures": 0.92}


# -- what is measured


def product(path: Path, sampling: Sampling, view: ViewSpec, threads: int = 2) -> int:
    """Frames that came out, each with its view."""
    decoder = PyAVDecoder()
    info = decoder.probe(path)
    request = DecodeRequest(video=(ViewRequest(sampling, (view,)),), threads=threads)
    with decoder.open(path, info, request) as stream:
        return sum(not isinstance(item, AudioBlock) for item in stream)


def pyav_decode(path: Path) -> None:
    """PyAV alone, no picture touched: what the binding costs."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "AUTO", 2
        for _ in container.decode(stream):
            pass


def pyav_bgr(path: Path) -> None:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "AUTO", 2
        for frame in container.decode(stream):
            frame.to_ndarray(format="bgr24")


def opencv_read(path: Path, step: int = 1) -> None:
    capture = cv2.VideoCapture(str(path))
    while capture.grab():
        capture.retrieve()
        for _ in range(step - 1):
            capture.grab()
    capture.release()


def opencv_small(path: Path) -> None:
    capture = cv2.VideoCapture(str(path))
    while True:
        there, picture = capture.read()
        if not there:
            break
        cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (64, 36), interpolation=cv2.INTER_AREA)
    capture.release()


def cases(path: Path) -> dict[str, Callable[[], object]]:
    return {
        "ffmpeg": partial(ffmpeg_null, path),
        "PyAV, decode only": partial(pyav_decode, path),
        "small luma": partial(product, path, Sampling.every(), SMALL_LUMA),
        "OpenCV small": partial(opencv_small, path),
        "full BGR": partial(product, path, Sampling.every(), FULL_BGR),
        "PyAV to_ndarray": partial(pyav_bgr, path),
        "OpenCV read": partial(opencv_read, path),
        "every 10th": partial(product, path, Sampling.each_nth(10), FULL_BGR),
        "OpenCV grab 10": partial(opencv_read, path, 10),
        "key pictures": partial(product, path, Sampling.keyframes(), FULL_BGR),
        "ffmpeg nokey": partial(ffmpeg_null, path, "-skip_frame", "nokey"),
    }


# -- clips


def generated(folder: Path, gop: int) -> Path:
    """Twenty seconds of 1080p with grain, camera and things moving, three B pictures between references."""
    scenes = ("dusk", "city", "forest", "meadow", "sea")
    shots = tuple(
        ShotSpec(
            duration_s=4.0,
            scene=scene,
            camera=Camera(pan_x=0.04, shake=0.003),
            movers=(Mover(size=0.25), Mover(shape="car", start=(0.9, 0.7), end=(0.1, 0.6))),
            grain=3.0,
        )
        for scene in scenes
    )
    encoder = {"preset": "medium", "crf": "23", "sc_threshold": "0"}
    path = folder / f"1080p-gop{gop}.mp4"
    make_video(path, VideoSpec(1920, 1080, Fraction(25), shots, gop=gop, bframes=3, encoder=encoder))
    return path


def clips(folder: Path, part: str) -> Iterator[Path]:
    for gop in (250, 30):
        if part in f"1080p-gop{gop}":
            yield generated(folder, gop)
    real = ("misc/bigbuckbunny.mp4", "intel/car-detection.mp4", "composed/montage_cuts_speech.mp4")
    for name in real:
        if (DATA / "videos" / name).is_file() and part in name:
            yield DATA / "videos" / name


def row(path: Path, rounds: int) -> Row:
    medians = interleaved(cases(path), rounds)
    limit = medians.pop("ffmpeg")
    found: Row = {"clip": path.stem, "ffmpeg_s": round(limit, 3)}
    found |= {name: round(limit / seconds, 3) for name, seconds in medians.items()}
    return found


def verdicts(rows: list[Row]) -> Iterator[str]:
    """Each target beside what was found at 1080p."""
    for found in rows:
        if not str(found["clip"]).startswith("1080p"):
            continue
        for name, target in TARGETS.items():
            value = float(str(found[name]))
            if name == "key pictures":
                value /= float(str(found["ffmpeg nokey"]))
            yield f"{found['clip']}: {name} {value:.2f} (target {target}): {judged(value, target)}"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--clips", default="", help="only clips with this in their name")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(path, chosen.rounds) for path in clips(Path(folder), chosen.clips)]
    if not rows:
        sys.exit(f"no clip has {chosen.clips!r} in its name")
    # a column a clip reads better: there are more cases than clips
    names = [key for key in rows[0] if key != "clip"]
    show([{"ratio to ffmpeg": key, **{str(found["clip"]): found[key] for found in rows}} for key in names])
    judged = list(verdicts(rows))
    print("\n".join(judged))
    write_json(chosen.json, {"ratios": rows, "targets": TARGETS, "verdicts": judged})
    return 0


if __name__ == "__main__":
    sys.exit(main())
