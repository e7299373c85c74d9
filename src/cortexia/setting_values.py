"""Values of settings as people write them, turned into the types that the settings have."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

from cortexia.errors import ConfigurationError, UnknownNameError

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def parse_text(text: str, wanted: Any) -> Any:
    """The text of a variable as what a configuration file would have held; text where it is nothing else."""
    kinds = get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
    if get_origin(wanted) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if bool in kinds and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                continue
    return text


def convert(name: str, value: Any, wanted: Any, *, separator: str = ",", is_secret: bool = False) -> Any:
    """``value`` as the type ``wanted`` of the setting ``name``. ``separator``: of the parts of a list that is one text.

    Raises ``ConfigurationError``, which tells the value unless it ``is_secret``, and ``UnknownNameError`` for what
    is not among the choices.
    """

    def refuse(expected: str) -> ConfigurationError:
        shown = "something else" if is_secret else repr(value)
        return ConfigurationError(f"setting {name!r} must be {expected}, got {shown}")

    if get_origin(wanted) is Literal:
        choices = get_args(wanted)
        if value not in choices:
            raise UnknownNameError(f"value of setting {name!r}:", str(value), choices)
        return value
    if get_origin(wanted) is tuple:
        parts = value.split(separator) if isinstance(value, str) else value
        if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
            raise refuse("a list of names")
        return tuple(part.strip() for part in parts if part.strip())
    if get_origin(wanted) is Mapping:
        if not isinstance(value, Mapping) or not all(isinstance(item, Mapping) for item in value.values()):
            raise refuse("a table of annotators, each with a table of options")
        return {str(key): dict(options) for key, options in value.items()}
    return _convert_scalar(value, wanted, refuse)


def _convert_scalar(value: Any, wanted: Any, refuse: Callable[[str], ConfigurationError]) -> Any:
    kinds = get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) and bool not in kinds:
        raise refuse("a number" if int in kinds or float in kinds else "text")
    if not isinstance(value, tuple(kinds)):
        raise refuse(" or ".join(kind.__name__ for kind in kinds if kind is not type(None)))
    return value
