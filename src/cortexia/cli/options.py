"""Options that commands share, and the settings they end up in."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cortexia.config import Loaded, Settings, load_settings
from cortexia.errors import ConfigurationError

if TYPE_CHECKING:
    from cortexia.app import Request

F = TypeVar("F", bound=Callable[..., Any])


def stacked(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """One decorator from several, the first on top."""

    def apply(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


store_option = click.option(
    "--store",
    metavar="STORE",
    help="The annotation database: *.db is SQLite, else a folder.  [default: cortexia.db, CORTEXIA_STORE]",
)
config_option = click.option(
    "--config", "config_file", type=click.Path(), metavar="FILE", help="Settings file (TOML, YAML or JSON)."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")

model_version_option = click.option(
    "--model-version",
    "model_versions",
    multiple=True,
    metavar="[ANNOTATOR=]SOURCE",
    help="Which model: an id, a folder, hf:OWNER/NAME@COMMIT, mlflow:NAME/VERSION or https://host/registry.toml#ID."
    " May be repeated.",
)

choice_options = stacked(
    click.option(
        "--annotators",
        metavar="NAMES",
        help="Which annotators, joined by commas.  [default: those of the preset]",
    ),
    click.option(
        "--pipelines",
        metavar="NAMES",
        help="Groups of annotators, joined by commas: scene, person, face, quality, motion, audio, detect, segment,"
        " describe.",
    ),
    click.option(
        "--preset",
        metavar="NAME",
        help="Which annotators, with which options and models: auto, offline, fast, balanced or high-quality."
        "  [default: auto]",
    ),
    click.option(
        "--option",
        "option_pairs",
        multiple=True,
        metavar="NAME.KEY=VALUE",
        help="An option of an annotator, e.g. frames.per_shot=3. May be repeated.",
    ),
    click.option(
        "--prompt",
        metavar="TEXT",
        help='What objects are looked for, in words, joined by commas, e.g. --prompt "forklift, hard hat".',
    ),
    model_version_option,
)

request_options = stacked(
    choice_options,
    click.option("--start", type=float, metavar="SECONDS", help="Annotate from here on."),
    click.option("--end", type=float, metavar="SECONDS", help="Annotate up to here."),
    click.option(
        "--enroll",
        "enrolments",
        multiple=True,
        metavar="NAME=FILE",
        help="Name a speaker by a recording of the voice alone, e.g. --enroll anna=anna.wav. May be repeated.",
    ),
    click.option("--fps", metavar="RATE", help="Take a folder of pictures as one video: 25, 29.97, 30000/1001."),
)


def settings_from(config_file: str | None = None, **given: Any) -> Loaded:
    """Settings with the flags of a command on top; ``option_pairs`` become ``options``."""
    pairs = given.pop("option_pairs", ())
    if pairs:
        given["options"] = parse_options(pairs)
    return load_settings(given, config_file)


def parse_options(pairs: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """``frames.per_shot=3`` becomes ``{"frames": {"per_shot": 3}}``; values are numbers, truth values or null as in
    JSON, else text."""
    options: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        left, equals, text = pair.partition("=")
        annotator, dot, key = left.partition(".")
        if not (equals and dot and annotator and key):
            raise ConfigurationError(f"--option {pair!r} is not of the form NAME.KEY=VALUE, e.g. frames.per_shot=3")
        options.setdefault(annotator, {})[key] = _value(pair, text)
    return options


def _value(pair: str, text: str) -> Any:
    """A number, a truth value, nothing or text. No option is a table or a list: what looks like one is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    except RecursionError as error:
        raise ConfigurationError(f"--option {pair[:80]}...: what is given is nested too deeply") from error
    return text if isinstance(value, dict | list) else value


def prompted_pairs(prompt: str, pairs: tuple[str, ...]) -> tuple[str, ...]:
    """``--option`` pairs for what is looked for: a preset's model for a closed set does not stand in the way, unless
    one was asked for."""
    return ("objects.model=auto", *pairs, f"objects.prompt={json.dumps(prompt)}")


def request_from(given: dict[str, Any]) -> tuple[Settings, Request]:
    """Settings and request from the flags of ``request_options`` and whatever else names a setting."""
    from cortexia.app import Request
    from cortexia.decoders.sequence import parse_rate
    from cortexia.pipelines import annotators_of
    from cortexia.types import TimeRange

    names = ("store", "annotators", "preset", "window_s", "batch_size", "threads", "executor", "device", "option_pairs")
    flags = {name: given[name] for name in (*names, "progressive") if given.get(name)}
    flags["workers"] = given.get("workers")
    if given.get("prompt") is not None:
        flags["option_pairs"] = prompted_pairs(given["prompt"], given["option_pairs"])
    if given.get("pipelines"):
        named = [given["annotators"]] if given.get("annotators") else []
        flags["annotators"] = ",".join([*named, *annotators_of(given["pipelines"].replace(",", "|"))])
    if "preset" in flags:
        # A preset that is asked for goes before annotators of the settings file, and not before those asked for.
        flags.setdefault("annotators", ())
    settings = settings_from(given["config_file"], **flags).settings
    warn_of_opened_guards(settings, given["as_json"])
    fps = None if given.get("fps") is None else parse_rate(given["fps"])
    time_range = TimeRange(given.get("start"), given.get("end"))
    return settings, Request(settings.annotators, settings.options, time_range, fps)


def warn_of_opened_guards(settings: Settings, as_json: bool = False) -> None:
    """One line on stderr for settings that let the network guard pass more than it does by itself (S-04)."""
    if not settings.opened_guards:
        return
    names = ", ".join(settings.opened_guards)
    event = {"event": "guard_opened", "settings": list(settings.opened_guards)}
    click.echo(json.dumps(event) if as_json else f"Warning: the network guard is opened by {names}", err=True)


def inputs_from(paths: tuple[str, ...]) -> Iterator[str]:
    """What is named on the command line; ``-`` stands for the lines of stdin, without blank ones and ``#`` comments."""
    for path in paths:
        if path != "-":
            yield path
            continue
        for line in sys.stdin.buffer:
            text = os.fsdecode(line.rstrip(b"\r\n"))
            if text.strip() and not text.lstrip().startswith("#"):
                yield text
