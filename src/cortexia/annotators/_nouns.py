"""English for labels: how many there are of something, in words."""

from __future__ import annotations

from collections.abc import Sequence

_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_IRREGULAR = {
    "person": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "mouse": "mice",
    "knife": "knives",
    "sheep": "sheep",
    "fish": "fish",
    "skis": "pairs of skis",
    "scissors": "pairs of scissors",
    "broccoli": "pieces of broccoli",
    "tv": "TVs",
}
_SINGLE = {
    "skis": "a pair of skis",
    "scissors": "a pair of scissors",
    "broccoli": "a piece of broccoli",
    "tv": "a TV",
    "hair drier": "a hair drier",
}
_HISSING = ("s", "x", "z", "ch", "sh")


def one(label: str) -> str:
    """``label`` with its article: ``a car``, ``an umbrella``."""
    if label in _SINGLE:
        return _SINGLE[label]
    return f"{'an' if label[:1].lower() in 'aeiou' else 'a'} {label}"


def plural(label: str) -> str:
    """Of the last word: ``dining tables``, ``benches``, ``people``."""
    if label in _IRREGULAR:
        return _IRREGULAR[label]
    *before, last = label.split(" ")
    if last in _IRREGULAR:
        many = _IRREGULAR[last]
    elif last.endswith(_HISSING):
        many = f"{last}es"
    elif last.endswith("y") and last[-2:-1] not in tuple("aeiou"):
        many = f"{last[:-1]}ies"
    else:
        many = f"{last}s"
    return " ".join((*before, many))


def counted(count: int, label: str) -> str:
    """``a car``, ``two cars``, ``13 cars``."""
    if count == 1:
        return one(label)
    number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    return f"{number} {plural(label)}"


def joined(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."
