"""Times, sizes and texts as people read them, on terminals and on pages."""

from __future__ import annotations


def printable(text: str, width: int | None = None) -> str:
    """``text`` with everything a terminal would act on (escapes, line ends, changes of direction) written out, and cut
    to ``width``."""
    shown = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    return shown if width is None or len(shown) <= width else shown[: width - 1] + "…"


def one_line(text: str | None, width: int | None = None) -> str:
    """A message in one line that a terminal can show, cut to ``width``; empty for ``None``."""
    return printable(" ".join((text or "").split()), width)


def clock(micros: int, decimals: int = 0, hours: bool = False) -> str:
    """``m:ss`` or, from an hour on or with ``hours``, ``h:mm:ss``; rounded half up to ``decimals`` places."""
    unit = 10 ** (6 - decimals)
    ticks = (2 * micros + unit) // (2 * unit)
    seconds, part = divmod(ticks, 10**decimals)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{hour}:{minute:02}:{second:02}" if hours or hour else f"{minute}:{second:02}"
    return f"{text}.{part:0{decimals}}" if decimals else text


def size(byte_count: int) -> str:
    """Decimal units, as disks count: ``1.2 MB``."""
    if byte_count == 1:
        return "1 byte"
    amount = float(byte_count)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if amount < 999.5 or unit == "TB":
            return f"{byte_count} bytes" if unit == "bytes" else f"{amount:.3g} {unit}"
        amount /= 1000
    raise AssertionError  # pragma: no cover - the last unit always returns
