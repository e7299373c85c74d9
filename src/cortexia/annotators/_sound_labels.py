"""Labels of sound events: groups of AudioSet's classes, the classes themselves, and the scores at which they count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cortexia.errors import UnknownNameError

ALL = "all"
GROUPS: Mapping[str, tuple[str, ...]] = {
    "laughter": ("Laughter", "Baby laughter", "Giggle", "Snicker", "Belly laugh", "Chuckle, chortle"),
    "applause": ("Applause", "Clapping"),
    "cheering": ("Cheering", "Whoop"),
    "crowd": ("Crowd", "Chatter", "Hubbub, speech noise, speech babble"),
    "crying": ("Crying, sobbing", "Baby cry, infant cry", "Whimper", "Wail, moan"),
    "screaming": ("Screaming", "Yell", "Bellow", "Shout", "Children shouting"),
    "singing": ("Singing", "Choir", "Yodeling", "Chant", "Child singing", "Rapping", "Humming", "A capella"),
    "music": ("Music", "Musical instrument", "Song", "Background music"),
    "dog": ("Dog", "Bark", "Yip", "Howl", "Bow-wow", "Growling"),
    "siren": ("Siren", "Police car (siren)", "Ambulance (siren)", "Civil defense siren"),
    "alarm": ("Alarm", "Alarm clock", "Smoke detector, smoke alarm", "Fire alarm", "Car alarm"),
    "gunshot": ("Gunshot, gunfire", "Machine gun", "Fusillade", "Artillery fire"),
    "explosion": ("Explosion", "Eruption", "Fireworks", "Boom"),
}
"""What is listened for where nobody says: what happens around people. A group scores as its best class does."""

USUAL_THRESHOLD = 0.3
THRESHOLDS: Mapping[str, Mapping[str, float]] = {
    # laughter: a crowd's reaches 0.11 to 0.18 and speech that is none 0.02; music: bass notes of chairs and doors in
    # rooms where people talk reach 0.29, music itself 0.77; crowd: laughter is taken for chatter, at up to 0.23
    "yamnet": {"laughter": 0.1, "music": 0.4, "crowd": 0.4},
}
"""By family, where it differs from ``USUAL_THRESHOLD``."""


def wanted_labels(text: str | None, classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The labels that ``text`` asks for, each with the classes that it stands for.

    ``text``: groups and classes with commas between them (names of classes have commas of their own), ``all`` for every
    class by its own name, ``None`` for every group, or every class where the model knows none of any group. Case does
    not count, but where a class is called as a group is: the group is meant unless the class is written as AudioSet has
    it. Raises ``UnknownNameError``.
    """
    groups = {label: tuple(name for name in names if name in classes) for label, names in GROUPS.items()}
    groups = {label: names for label, names in groups.items() if names}
    own: dict[str, tuple[str, ...]] = {name: (name,) for name in classes}
    if text is None:
        return groups or own
    if text.strip().lower() == ALL:
        return own
    known = {**own, **groups}
    return {label: known[label] for label in _named(text, known)}


def _named(text: str, known: Iterable[str]) -> list[str]:
    """The names in ``text``: at each place as many of the parts between commas as make a name."""
    exact = {name: name for name in known}
    # groups come last, and so stand for what is written like both
    lower = {name.lower(): name for name in exact}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    found: list[str] = []
    while parts:
        for count in range(len(parts), 0, -1):
            joined = ", ".join(parts[:count])
            if name := exact.get(joined) or lower.get(joined.lower()):
                found.append(name)
                parts = parts[count:]
                break
        else:
            raise UnknownNameError("label in option 'labels' of annotator 'sounds':", parts[0], exact)
    return list(dict.fromkeys(found))


def thresholds_of(labels: Iterable[str], family: str, threshold: float | None) -> dict[str, float]:
    """From which score on each label is heard: ``threshold``, or by default the family's."""
    own = THRESHOLDS.get(family, {})
    return {label: own.get(label, USUAL_THRESHOLD) if threshold is None else threshold for label in labels}
