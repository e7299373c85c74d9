"""Numbers, texts and ticks as the report writes them."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from cortexia.types import MICROSECONDS
from cortexia.wording import clock

_STEPS_US = tuple(
    int(seconds * MICROSECONDS)
    for seconds in (
        *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600),
        *(7200, 10800, 21600, 43200, 86400),
    )
)
DASH = "\u2013"
TIMES = "\u00d7"
_HOUR_US = 3600 * MICROSECONDS
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]")
_BREAKS = re.compile(r"[^\S ]+")
_REASONS = {
    "no_audio": "the video has no sound",
    "no_video": "the video has no pictures",
    "first_frame": "the first picture has none before it",
    "cut": "at a cut, a flash or a very fast move there is nothing to compare",
    "no_texture": "too flat to follow",
    "too_few_points": "too little detail to follow",
    "no_dominant_motion": "no motion holds for most of the picture",
    "too_short": "no two pictures of it were compared",
}
_SCALE_STEPS = (1, 2, 2.5, 5, 10)


def visible(text: str) -> str:
    """Text from outside as it can be shown: controls, marks of direction and lone surrogates spelled out."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str) -> str:
    """As ``visible``, with spaces for what breaks lines: those who draw take one line at a time."""
    return _BREAKS.sub(" ", visible(text))


def reason_words(reason: str) -> str:
    """Why something was not measured, in words; a reason that has none here as it is."""
    return _REASONS.get(reason, reason)


def short(text: str, most: int = 300) -> str:
    """The first ``most`` characters; how many there are, where that is not all."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def length(micros: int) -> str:
    """A duration: ``4.20 s`` below a minute, else as ``clock``."""
    return f"{micros / MICROSECONDS:.2f} s" if micros < 60 * MICROSECONDS else clock(micros, 1)


def rate(value: Fraction) -> str:
    """Frames a second: ``25``, ``29.97``."""
    return f"{float(value):.3f}".rstrip("0").rstrip(".")


def count(number: int) -> str:
    """With thin spaces between thousands."""
    return f"{number:,}".replace(",", "\u202f")


def number(value: float) -> str:
    """Three significant digits, at most five places, whole numbers in full; a true minus sign."""
    if abs(value) >= 100 or value == int(value):
        text = f"{value:.0f}"
    else:
        text = f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.5f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "\u2212")


def plural(amount: int, noun: str, many: str | None = None) -> str:
    return f"{count(amount)} {noun if amount == 1 else many or noun + 's'}"


def time_ticks(end_us: int, most: int = 8) -> list[tuple[int, str]]:
    """Places (µs) and labels of ticks on an axis from 0 to ``end_us``: round steps, at most ``most`` + 1 of them."""
    step = next((step for step in _STEPS_US if end_us <= step * most), _STEPS_US[-1])
    while end_us > step * most:
        step *= 2
    decimals = 0 if step >= MICROSECONDS else 1 if step >= 100_000 else 2
    hours = end_us >= _HOUR_US
    return [(at, clock(at, decimals, hours)) for at in range(0, end_us + 1, step)]


def value_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round values within ``low`` .. ``high``: at most ``most`` steps."""
    span = high - low
    if span <= 0:
        return [low]
    magnitude = 10.0 ** math.floor(math.log10(span / most))
    step = next(magnitude * factor for factor in _SCALE_STEPS if magnitude * factor >= span / most * 0.999)
    first = -(-low // step)
    found = []
    while first * step <= high + span * 1e-9:
        found.append(round(first * step, 10))
        first += 1
    return found
