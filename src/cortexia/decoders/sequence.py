"""An image sequence on disk: a folder with its pictures and ``sequence.json``, which states their rate and order."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from cortexia.errors import ConfigurationError, RejectedInput

MANIFEST = "sequence.json"
_HIGHEST = 1_000_000
_LONGEST = 100
_EXPONENT = re.compile(r"e[+-]?\d{3}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sequence:
    """``rate``: pictures per second. ``images``: names of files of one folder, in order."""

    rate: Fraction
    images: tuple[str, ...]

    def to_json(self) -> bytes:
        return json.dumps({"rate": str(self.rate), "images": list(self.images)}).encode()

    @classmethod
    def read(cls, folder: Path) -> Sequence:
        """Raises ``RejectedInput`` where ``folder`` is no sequence."""
        try:
            data = json.loads((folder / MANIFEST).read_bytes())
            rate, images = parse_rate(data["rate"]), tuple(data["images"])
        except (OSError, ValueError, KeyError, TypeError, ConfigurationError) as error:
            raise RejectedInput(
                "not_media", "a folder is no video; give its pictures a rate (--fps) to annotate it as one"
            ) from error
        if not images or not all(isinstance(name, str) and Path(name).name == name for name in images):
            raise RejectedInput("not_media", f"{MANIFEST} lists no pictures, or some outside its folder")
        return cls(rate, images)


def parse_rate(value: str | float | Fraction) -> Fraction:
    """Pictures per second, exactly: ``25``, ``29.97`` or ``30000/1001``. Raises ``ConfigurationError``."""
    text = str(value)
    try:
        # an exponent of many digits would be computed before it could be refused
        rate = Fraction(text if len(text) <= _LONGEST and not _EXPONENT.search(text) else "")
    except (ValueError, ZeroDivisionError) as error:
        raise ConfigurationError(
            f"a rate is a number such as 25, 29.97 or 30000/1001, not {text[:_LONGEST]!r}"
        ) from error
    if not 0 < rate <= _HIGHEST or rate.denominator > _HIGHEST:
        raise ConfigurationError(f"a rate must be positive and at most {_HIGHEST} pictures per second, got {value}")
    return rate
