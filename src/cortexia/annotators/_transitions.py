"""Where one shot gives way to the next: judgements about a stretch of looks, each a pure function of that stretch.

Sources of the ideas: a threshold relative to the changes nearby (Yusoff, Christmas and Kittler, "Video shot cut
detection using adaptive thresholding", BMVC 2000); a dissolve as a linear mix of the pictures at its ends (Zhang,
Kankanhalli and Smoliar, "Automatic partitioning of full-motion video", 1993, and Hampapur, Jain and Weymouth,
"Production model based digital video segmentation", 1995); monochrome frames between fades (Lienhart, "Reliable
transition detection in videos", 2001). Thresholds and their combination are this project's own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import cv2
import numpy as np

from cortexia.annotators._looks import Look, distance, likeness
from cortexia.types import Transition

AHEAD_S = 1.3
"""Pictures needed beyond the one that is judged."""
BEHIND_S = 1.6
"""Pictures needed before it."""

_NEAR_S = 0.25
FLASH_S = 0.3
"""Whatever is gone again after this was a flash."""
SAME_LIKENESS = 0.78
"""Above this two pictures show the same."""
_DARK, _BRIGHT = 30.0, 224.0
_BLANK_CONTRAST = 6.0
_SCALES_S = (1.25, 0.96, 0.64, 0.4, 0.24, 0.12)
_BLACK, _WHITE = 16.0, 235.0
OTHER_LIKENESS = 0.62
"""Below this two pictures, some time apart, show different things."""
_MIX_RESIDUE = 0.7
_OFF_LINE = 0.6
_MIX_RATE = 24
_OFF_MIDDLE = 0.2
_MIX_COVERAGE = 0.5
_MIX_CONTRAST = 8.0
_SETTLED = 0.12
_DIP_S = 0.5
_DIP_SHARE = 0.4
_DIP_LEVEL = 0.4


@dataclass(frozen=True, slots=True)
class Finding:
    """A boundary before look ``at`` (position in the stretch). ``certainty`` in [0, 1]: margin over the thresholds.

    ``reach_s``: how far around it the same transition may show again.
    """

    at: int
    kind: Transition
    certainty: float
    reach_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive looks with their times."""

    looks: Sequence[Look]
    times: Sequence[float]

    def position(self, time_s: float) -> int:
        """Of the look on screen at ``time_s``; clamped to the stretch."""
        return max(0, bisect_right(self.times, time_s) - 1)

    def changes(self, low: int, high: int) -> list[float]:
        return [look.change for look in self.looks[max(1, low) : high]]


def is_blank(look: Look) -> bool:
    """Nothing but black, or nothing but white."""
    return look.contrast < _BLANK_CONTRAST and not _DARK < look.level < _BRIGHT


def is_abrupt(stretch: Stretch, at: int) -> bool:
    """Whether the change into ``at`` stands out from those nearby, whatever the pictures show."""
    return at >= 1 and stretch.looks[at].change > 3.0 + 2.5 * _nearby_change(stretch, at)


def shows_texture(stretch: Stretch, low_s: float, high_s: float) -> bool:
    """Whether any look between two times has more to it than a flat colour."""
    low, high = stretch.position(low_s), stretch.position(high_s)
    return any(look.contrast > 2 * _BLANK_CONTRAST for look in stretch.looks[low : high + 1])


def find_cut(stretch: Stretch, at: int, sensitivity: float) -> Finding | None:
    """A hard cut between ``at - 1`` and ``at``: a change far above those nearby, to a picture that is another one."""
    if at < 1:
        return None
    before, after = stretch.looks[at - 1], stretch.looks[at]
    if after.change < 3.0 / sensitivity or is_blank(before) or is_blank(after):
        return None
    nearby = _nearby_change(stretch, at)
    if after.change < (1 + 0.8 / sensitivity) * nearby:
        return None
    alike = likeness(before, after)
    prominence = after.change / (nearby + 1.0)
    if not _is_other(before, after, alike, prominence, sensitivity) or _comes_back(stretch, at):
        return None
    return Finding(at, Transition.CUT, min(1.0, (1.0 - alike) * prominence / (1.0 + prominence) * 2.0))


def _nearby_change(stretch: Stretch, at: int) -> float:
    """The livelier of both sides within 0.25 s (at least two frames): the median, so that one jump does not hide
    another."""
    now = stretch.times[at]
    low = min(at - 2, bisect_left(stretch.times, now - _NEAR_S))
    high = max(at + 3, bisect_right(stretch.times, now + _NEAR_S))
    left, right = stretch.changes(low, at), stretch.changes(at + 1, high)
    return max(median(side) if side else 0.0 for side in (left, right))


def _is_other(before: Look, after: Look, alike: float, prominence: float, sensitivity: float) -> bool:
    if alike < 0.66:
        return True
    if alike < 0.66 + 0.1 * sensitivity and prominence > 5.0:
        return True
    return _colour_shift(before, after) > 8.0 / sensitivity and prominence > 5.0


def _colour_shift(before: Look, after: Look) -> float:
    """Mean difference of chroma, apart from what light alone does to it: scale it with the luma."""
    gain = min(4.0, max(0.25, (after.level - _BLACK) / max(1.0, before.level - _BLACK)))
    lit = cv2.addWeighted(before.chroma, gain, before.chroma, 0.0, 128.0 * (1.0 - gain))
    return float(cv2.norm(lit, after.chroma, cv2.NORM_L1) / after.chroma.size)


def _comes_back(stretch: Stretch, at: int) -> bool:
    """Whether the picture before is there again shortly after, or the one after was there shortly before: a flash,
    a strobe, a dropped frame, something that passed close to the lens."""
    now = stretch.times[at]
    ahead = range(at + 1, bisect_right(stretch.times, now + FLASH_S))
    behind = range(bisect_left(stretch.times, now - FLASH_S), at - 1)
    before, after, jump = stretch.looks[at - 1], stretch.looks[at], stretch.looks[at].change
    return any(_is_same(before, stretch.looks[i], jump) for i in ahead) or any(
        _is_same(stretch.looks[i], after, jump) for i in behind
    )


def _is_same(a: Look, b: Look, jump: float) -> bool:
    return distance(a, b) < 0.7 * jump and not is_blank(a) and not is_blank(b) and likeness(a, b) > SAME_LIKENESS


def find_dip(stretch: Stretch, at: int) -> Finding | None:
    """The bottom of a fade that never gets blank: contrast falls and rises again, and shows another picture."""
    now, middle = stretch.times[at], stretch.looks[at]
    low, high = stretch.position(now - _DIP_S), stretch.position(now + _DIP_S)
    if low == at or high == at or middle.contrast > stretch.looks[at - 1].contrast:
        return None
    before, after = stretch.looks[low:at], stretch.looks[at + 1 : high + 1]
    first = max(before, key=lambda look: look.contrast)
    last = max(after, key=lambda look: look.contrast)
    is_bottom = middle.contrast < min(look.contrast for look in before) and middle.contrast <= min(
        look.contrast for look in after
    )
    if not is_bottom or middle.contrast > _DIP_SHARE * min(first.contrast, last.contrast):
        return None
    if not _is_burnt(middle, first, last) or likeness(first, last) > OTHER_LIKENESS:
        return None
    halves = (first, _dimmed(before, first)), (last, _dimmed(after, last))
    certainty = min(likeness(full, half) for full, half in halves)
    return Finding(at, Transition.FADE, certainty) if certainty > SAME_LIKENESS else None


def _is_burnt(middle: Look, first: Look, last: Look) -> bool:
    """Much nearer to black, or to white, than the pictures on both sides."""
    is_dark = middle.level - _BLACK < _DIP_LEVEL * (min(first.level, last.level) - _BLACK)
    return is_dark or _WHITE - middle.level < _DIP_LEVEL * (_WHITE - max(first.level, last.level))


def _dimmed(looks: Sequence[Look], full: Look) -> Look:
    """The look with about half the contrast of ``full``: in a fade it shows the same picture."""
    return min(looks, key=lambda look: abs(look.contrast - full.contrast / 2))


def find_dissolve(stretch: Stretch, at: int, sensitivity: float) -> Finding | None:
    """About the middle of a dissolve at ``at``: the picture is the mean of two others, as far before and after.

    Looked for at most 24 times a second, whatever the frame rate.
    """
    now = stretch.times[at]
    if at < 1 or int(now * _MIX_RATE) == int(stretch.times[at - 1] * _MIX_RATE):
        return None
    for reach_s in _SCALES_S:
        low, high = stretch.position(now - reach_s), stretch.position(now + reach_s)
        if low >= at - 1 or high <= at + 1 or stretch.times[low] > now - 0.8 * reach_s:
            continue
        found = _mix_at(stretch, (low, at, high), sensitivity)
        if found is not None and _settles(stretch, low, high, now, reach_s):
            return replace(found, reach_s=reach_s)
    return None


def _mix_at(stretch: Stretch, places: tuple[int, int, int], sensitivity: float) -> Finding | None:
    low, at, high = places
    first, middle, last = (stretch.looks[place] for place in places)
    # Mixed with another picture, textures lose contrast: to one half of the power where they have nothing in common.
    power = 2 * middle.contrast**2 / max(1.0, first.contrast**2 + last.contrast**2)
    if power > 0.5 + _MIX_RESIDUE:
        return None
    span = cv2.norm(first.mini, last.mini, cv2.NORM_L1)
    if span < 6.0 / sensitivity * first.mini.size:
        return None
    residue = cv2.norm(cv2.addWeighted(first.mini, 0.5, last.mini, 0.5, 0), middle.mini, cv2.NORM_L1) * 2 / span
    misfit = residue + max(0.0, power - 0.5)
    if misfit > _MIX_RESIDUE or not _is_mix(stretch, low, at, high):
        return None
    alike = likeness(first, last)
    if alike > OTHER_LIKENESS + 0.2 * (_MIX_RESIDUE - misfit):
        return None
    return Finding(at, Transition.DISSOLVE, min(1.0, (1.2 - residue) * (1.0 - alike) * 1.5))


def _is_mix(stretch: Stretch, low: int, at: int, high: int) -> bool:
    """Whether the looks from ``low`` to ``high`` lie on the line from the first to the last, in order, without a jump,
    are near its middle at ``at``, keep some contrast, and the change is one of most of the picture."""
    looks = stretch.looks[low : high + 1]
    least = min(looks[0].contrast, looks[-1].contrast)
    if min(look.contrast for look in looks) < max(_MIX_CONTRAST, least / 2):
        return False
    first = looks[0].mini
    line = looks[-1].mini - first
    length, moved = float(line @ line), np.abs(line)
    if np.count_nonzero(moved > max(4.0, 0.3 * float(moved.mean()))) < _MIX_COVERAGE * line.size:
        return False
    stack = np.stack([look.mini for look in looks]) - first
    shares = stack @ line / length
    steps = np.diff(shares)
    if abs(shares[at - low] - 0.5) > _OFF_MIDDLE or steps.max() > 0.45 or steps.min() < -0.1:
        return False
    off_line = np.abs(stack - shares[:, None] * line).sum(axis=1) / moved.sum()
    return bool(off_line.max() < _OFF_LINE)


def _settles(stretch: Stretch, low: int, high: int, now: float, reach_s: float) -> bool:
    """Whether the pictures stay about the same beyond both ends: else this is the middle of a longer change."""
    beyond_s = 1.4 * reach_s
    if beyond_s > AHEAD_S:
        return True
    first, last = stretch.looks[low].mini, stretch.looks[high].mini
    line = last - first
    length = float(line @ line)
    outer = [stretch.looks[stretch.position(time_s)].mini for time_s in (now - beyond_s, now + beyond_s)]
    before, after = (float((mini - first) @ line) / length for mini in outer)
    return before > -_SETTLED and after < 1.0 + _SETTLED
