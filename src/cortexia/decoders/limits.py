"""Bounds of what a file may ask of the decoder (G15). Declared durations and counts are hints and have no bound."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Limits:
    """One table of limits; a value equal to the limit is still allowed.

    ``rate``: frames a second, used where frames carry no time of their own; a higher declared rate counts as this one.
    ``metadata_bytes``: keys and values beyond it are left out. ``probe_packets`` and ``probe_bytes``: how far a probe
    looks for the first picture and the first sound. ``picture_bytes``: of one picture file, which may be read whole.
    ``lowest_sound_rate``, ``highest_sound_rate``: samples a second; below, a small file would be sound for days.
    """

    file_bytes: int = 50 * 1024**3
    width: int = 8192
    height: int = 8192
    pixels: int = 68_000_000
    streams: int = 64
    rate: Fraction = Fraction(240)
    metadata_bytes: int = 64 * 1024
    open_timeout_s: float = 30.0
    read_timeout_s: float = 30.0
    probe_packets: int = 2000
    probe_bytes: int = 64 * 1024 * 1024
    picture_bytes: int = 512 * 1024 * 1024
    lowest_sound_rate: int = 1000
    highest_sound_rate: int = 3_072_000

    @property
    def coded_pixels(self) -> int:
        """What FFmpeg may allocate: codecs round both sides up to whole blocks of at most 64 pixels."""
        return self.pixels + 63 * (self.width + self.height) + 63 * 63

    def allow_picture(self, width: int, height: int) -> bool:
        return 0 < width <= self.width and 0 < height <= self.height and width * height <= self.pixels

    def allow_sound(self, rate: int) -> bool:
        return self.lowest_sound_rate <= rate <= self.highest_sound_rate


DEFAULT_LIMITS = Limits()
