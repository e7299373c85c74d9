"""Clips with exactly known shot boundaries, picture by picture: what is easy, what is hard, and what is none.

``places`` decides what is filmed: painted scenes, or photographs. Every picture is a function of its number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 180
Picture = NDArray[np.uint8]
Place = Callable[[], Picture]
Take = Callable[[int], Picture]
"""Picture number within the take -> BGR."""


@dataclass(frozen=True)
class Clip:
    """``boundaries``: first and last frame within which a boundary is right; a cut at ``n`` is ``(n - 1, n + 1)``."""

    name: str
    count: int
    picture: Take
    boundaries: tuple[tuple[int, int], ...] = ()
    fps: Fraction = Fraction(25)
    ticks: tuple[int, ...] = field(default=())

    def write(self, path: Path) -> Path:
        """H.264, constant rate, or the durations of ``ticks`` (in 1/1000 s, repeated)."""
        base = Fraction(1, 1000) if self.ticks else 1 / self.fps
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=self.fps, options={"preset": "veryfast", "crf": "20"})
            stream.width, stream.height = WIDTH, HEIGHT
            stream.codec_context.time_base = stream.time_base = base
            for number, pts in enumerate(self._pts()):
                frame = av.VideoFrame.from_ndarray(self.picture(number), format="bgr24")
                frame.pts, frame.time_base = pts, base
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    def _pts(self) -> Iterator[int]:
        now = 0
        for number in range(self.count):
            yield now
            now += self.ticks[number % len(self.ticks)] if self.ticks else 1


class Reel:
    """Takes joined one after the other; knows where the joints are."""

    def __init__(self, name: str, fps: float = 25, ticks: Sequence[int] = ()) -> None:
        self.name, self.fps, self.ticks = name, Fraction(fps).limit_denominator(1001), tuple(ticks)
        self._parts: list[tuple[int, Take]] = []
        self._boundaries: list[tuple[int, int]] = []
        self._length = 0

    def take(self, count: int, take: Take) -> Reel:
        """After a hard cut, unless it is the first."""
        if self._length:
            self._boundaries.append((self._length - 1, self._length + 1))
        return self._append(count, take)

    def same(self, count: int, take: Take) -> Reel:
        """Without a boundary."""
        return self._append(count, take)

    def gradual(self, count: int, take: Take) -> Reel:
        """``count`` pictures within which one shot gives way to the next."""
        self._boundaries.append((self._length, self._length + count))
        return self._append(count, take)

    def _append(self, count: int, take: Take) -> Reel:
        self._parts.append((count, take))
        self._length += count
        return self

    def clip(self, grade: Callable[[Picture, int], Picture] | None = None) -> Clip:
        parts = tuple(self._parts)

        def picture(number: int) -> Picture:
            shown = _at(parts, number)
            return shown if grade is None else grade(shown, number)

        return Clip(self.name, self._length, picture, tuple(self._boundaries), self.fps, self.ticks)


def _at(parts: Sequence[tuple[int, Take]], number: int) -> Picture:
    left = number
    for count, take in parts:
        if left < count:
            return take(left)
        left -= count
    raise IndexError(number)


# -- camera


def look(place: Picture, x: float, y: float, width: float) -> Picture:
    """A window on ``place``: centre and width in fractions of it; it mirrors beyond its edges."""
    height, full = place.shape[:2]
    scale = full * width / WIDTH
    matrix = np.array(
        [[scale, 0, x * full - scale * WIDTH / 2], [0, scale, y * height - scale * HEIGHT / 2]], dtype=np.float32
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(place, matrix, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT)


def still(place: Picture) -> Take:
    shown = look(place, 0.5, 0.5, 0.5)
    return lambda number: shown


def drift(place: Picture, per_frame: float = 0.001, start: float = 0.4) -> Take:
    return lambda number: look(place, start + per_frame * number, 0.5, 0.5)


def zoom(place: Picture, per_frame: float) -> Take:
    return lambda number: look(place, 0.5, 0.5, 0.7 * (1 - per_frame) ** number)


def shake(place: Picture, size: float, seed: int = 5) -> Take:
    rng = np.random.default_rng(seed)
    path = cv2.GaussianBlur(rng.normal(0, size, (400, 2)), (1, 0), 0, sigmaY=1.0)
    return lambda number: look(place, 0.5 + path[number % 400, 0], 0.5 + path[number % 400, 1], 0.5)


def passing(take: Take, size: float, speed: float, colour: tuple[int, int, int] = (40, 90, 160)) -> Take:
    """Something large drives through from left to right: size and speed in frame widths (a picture)."""

    def picture(number: int) -> Picture:
        shown = take(number).copy()
        left = round((speed * number - size) * WIDTH)
        box = (max(0, left), min(WIDTH, left + round(size * WIDTH)))
        if box[0] < box[1]:
            shown[20:170, box[0] : box[1]] = colour
            for wheel in range(left + 20, left + round(size * WIDTH), 60):
                cv2.circle(shown, (wheel, 160), 18, (20, 20, 20), -1)
                cv2.rectangle(shown, (wheel - 12, 40), (wheel + 14, 90), (200, 190, 170), -1)
        return shown

    return picture


# -- light


def dim(picture: Picture, gain: float, towards: int = 0) -> Picture:
    return np.clip(picture * gain + towards * (1 - gain), 0, 255).astype(np.uint8)


def mix(first: Take, second: Take, count: int, offset: int = 0) -> Take:
    """A dissolve of ``count`` pictures; ``offset``: pictures of ``first`` that came before."""

    def picture(number: int) -> Picture:
        share = (number + 1) / (count + 1)
        return cv2.addWeighted(first(offset + number), 1 - share, second(number), share, 0)

    return picture


def fade_through(first: Take, second: Take, count: int, hold: int, level: int = 0) -> Take:
    """``count`` pictures down, ``hold`` of one level, ``count`` up."""

    def picture(number: int) -> Picture:
        if number < count:
            return dim(first(number), 1 - (number + 1) / (count + 1), level)
        if number < count + hold:
            return np.full((HEIGHT, WIDTH, 3), level, np.uint8)
        done = number - count - hold
        return dim(second(done), (done + 1) / (count + 1), level)

    return picture


def flashes(take: Take, at: Sequence[int], length: int, gain: float = 2.6, lift: float = 90) -> Take:
    def picture(number: int) -> Picture:
        if any(start <= number < start + length for start in at):
            return np.clip(take(number) * gain + lift, 0, 255).astype(np.uint8)
        return take(number)

    return picture


def grain(strength: float) -> Callable[[Picture, int], Picture]:
    def grade(picture: Picture, number: int) -> Picture:
        noise = np.random.default_rng(number).normal(0, strength, picture.shape[:2])
        return np.clip(picture + noise[..., None], 0, 255).astype(np.uint8)

    return grade


def letterbox(picture: Picture, number: int) -> Picture:
    shown = picture.copy()
    shown[:28] = shown[-28:] = 0
    return shown


# -- the suite


def suite(places: Sequence[Picture], prefix: str = "") -> list[Clip]:
    """Some forty clips of six to fifteen seconds over at least six ``places`` (larger than the frame, BGR)."""
    makers = (_cuts, _gradual, _light, _motion, _rates)
    return [
        Clip(prefix + clip.name, clip.count, clip.picture, clip.boundaries, clip.fps, clip.ticks)
        for maker in makers
        for clip in maker(places)
    ]


def _cuts(p: Sequence[Picture]) -> Iterator[Clip]:
    reel = Reel("cuts-still")
    for place in p[:6]:
        reel.take(40, still(place))
    yield reel.clip()
    reel = Reel("cuts-drift")
    for number, place in enumerate(p[:6]):
        reel.take(40, drift(place, 0.002 * (-1) ** number))
    yield reel.clip()
    yield _relabel(reel, "cuts-grain").clip(grain(14))
    yield _relabel(reel, "cuts-letterbox").clip(letterbox)
    yield _relabel(reel, "cuts-low-contrast").clip(lambda picture, number: dim(picture, 0.15, 110))
    yield _relabel(reel, "cuts-night").clip(lambda picture, number: dim(picture, 0.2, 4))
    yield _relabel(reel, "cuts-gray").clip(
        lambda picture, number: cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    )
    reel = Reel("cuts-quick")
    for number in range(16):
        reel.take(12, drift(p[number % 6], 0.002))
    yield reel.clip()
    reel = Reel("cuts-same-place")
    for number in range(6):
        reel.take(30, lambda n, i=number: look(p[0], 0.3 + 0.1 * (i % 4), 0.45, 0.5 if i % 2 else 0.28))
    yield reel.clip()
    reel = Reel("cuts-to-pans")
    for number, place in enumerate(p[:6]):
        reel.take(35, drift(place, 0.012 if number % 2 else 0.0, 0.3))
    yield reel.clip()
    yield Reel("cut-late").take(200, still(p[1])).take(20, still(p[4])).clip()


def _relabel(reel: Reel, name: str) -> Reel:
    other = Reel(name, float(reel.fps), reel.ticks)
    other.__dict__.update({key: value for key, value in reel.__dict__.items() if key not in ("name",)})
    return other


def _gradual(p: Sequence[Picture]) -> Iterator[Clip]:
    for count in (6, 12, 25, 50):
        reel = Reel(f"dissolve-{count}").take(45, still(p[0]))
        for number in range(1, 5):
            before, after = still(p[number - 1]), still(p[number])
            reel.gradual(count, mix(before, after, count)).same(45, after)
        yield reel.clip()
    for count in (10, 25):
        reel = Reel(f"dissolve-moving-{count}").take(45, drift(p[0], 0.0015))
        for number in range(1, 5):
            before, after = drift(p[number - 1], 0.0015), drift(p[number], 0.0015)
            reel.gradual(count, mix(before, after, count, 45 if number == 1 else 45 + count))
            reel.same(45, lambda n, a=after, c=count: a(n + c))
        yield reel.clip()
        yield _relabel(reel, f"dissolve-grain-{count}").clip(grain(10))
    for level, name in ((0, "black"), (255, "white")):
        for count, hold in ((6, 0), (12, 5), (25, 40)):
            reel = Reel(f"fade-{name}-{count}").take(45, still(p[0]))
            for number in range(1, 4):
                before, after = still(p[number - 1]), still(p[number])
                reel.gradual(2 * count + hold, fade_through(before, after, count, hold, level)).same(45, after)
            yield reel.clip()
    reel = Reel("fade-in-and-out").same(20, lambda n: dim(still(p[2])(n), (n + 1) / 21)).same(60, still(p[2]))
    yield reel.take(60, drift(p[3])).same(20, lambda n: dim(drift(p[3])(60 + n), 1 - (n + 1) / 20)).clip()


def _light(p: Sequence[Picture]) -> Iterator[Clip]:
    for length in (1, 2, 3):
        yield Reel(f"flashes-{length}").take(200, flashes(drift(p[0]), (30, 77, 78 + 40, 170), length)).clip()
    reel = Reel("flashes-and-cuts").take(60, flashes(still(p[1]), (20, 40), 2))
    yield reel.take(60, flashes(drift(p[2]), (25,), 1)).take(60, flashes(still(p[5]), (30,), 3)).clip()
    yield Reel("flash-white").take(150, flashes(drift(p[3]), (40, 100), 2, 1.0, 255)).clip()
    yield (
        Reel("flash-decay")
        .take(
            150,
            lambda n: np.clip(drift(p[4])(n) + 220 * np.exp(-((n - 50) % 60) / 4) * (n >= 50), 0, 255).astype(np.uint8),
        )
        .clip()
    )
    yield (
        Reel("strobe")
        .take(50, still(p[2]))
        .same(75, lambda n: dim(still(p[2])(n), 1.0 if n % 6 < 3 else 0.25))
        .same(40, still(p[2]))
        .clip()
    )
    yield Reel("light-ramp").take(150, lambda n: dim(drift(p[0])(n), 1 - 0.7 * abs(n - 75) / 75)).clip()
    yield (
        Reel("light-step")
        .take(60, still(p[4]))
        .same(60, lambda n: dim(still(p[4])(n), 0.45))
        .same(60, still(p[4]))
        .clip()
    )
    yield Reel("grain-still").take(150, still(p[3])).clip(grain(22))


def _motion(p: Sequence[Picture]) -> Iterator[Clip]:
    yield Reel("pan-fast").take(120, drift(p[0], 0.02, 0.0)).clip()
    yield (
        Reel("pan-whip")
        .take(40, still(p[1]))
        .same(25, lambda n: look(p[1], 0.5 + 0.03 * n, 0.5, 0.5))
        .same(50, lambda n: look(p[1], 0.5 + 0.03 * 24, 0.5, 0.5))
        .clip()
    )
    yield Reel("zoom-fast").take(60, zoom(p[2], 0.02)).clip()
    yield Reel("zoom-out").take(80, lambda n: look(p[5], 0.5, 0.5, 0.2 * 1.02**n)).clip()
    yield Reel("shake").take(200, shake(p[3], 0.03)).clip()
    yield Reel("shake-grain").take(150, shake(p[4], 0.02)).clip(grain(10))
    yield Reel("passing-bus").take(160, passing(passing(still(p[1]), 0.9, 0.06), 1.5, 0.02)).clip()
    yield Reel("passing-fast").take(100, passing(drift(p[5]), 0.6, 0.15)).clip()
    yield Reel("titles").take(200, _titles).clip()
    yield Reel("slow-pan").take(300, drift(p[3], 0.0035, 0.1)).clip()


def _titles(number: int) -> Picture:
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for line in range(20):
        at = (60 + 13 * (line % 3), round(HEIGHT + 24 * line - 1.8 * number))
        cv2.putText(picture, f"Somebody {line * 37 % 100}", at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (230, 230, 230), 1)
    return picture


def _rates(p: Sequence[Picture]) -> Iterator[Clip]:
    for fps in (10, 60):
        reel = Reel(f"rate-{fps}", fps)
        for number in range(6):
            reel.take(round(1.6 * fps), drift(p[number], 0.05 / fps))
        count = round(0.8 * fps)
        reel.gradual(count, mix(drift(p[5], 0.0), drift(p[1], 0.0), count)).same(round(1.5 * fps), drift(p[1], 0.0))
        yield reel.clip()
        yield Reel(f"rate-{fps}-pan", fps).take(8 * fps, drift(p[4], 0.25 / fps, 0.0)).clip()
    reel = Reel("rate-variable", 25, (17, 50, 33, 100, 40))
    for number in range(6):
        reel.take(37, drift(p[number], 0.002))
    reel.gradual(18, mix(still(p[5]), still(p[2]), 18)).same(40, still(p[2]))
    yield reel.clip()


def painted_places() -> list[Picture]:
    from cortexia.testing import paint_scene

    names = ("dusk", "sea", "city", "forest", "studio", "meadow")
    return [paint_scene(name, 4 * WIDTH, 4 * HEIGHT, 3) for name in names]


def photographed_places(data: Path) -> list[Picture]:
    """Photographs of the shared data; empty where there are none."""
    found = sorted((data / "images/coco_ccby").glob("*.jpg")) + sorted((data / "images/obama").glob("*.jpg"))
    return [cv2.resize(cv2.imread(str(path)), (3 * WIDTH, 3 * HEIGHT)) for path in found[:8]]
