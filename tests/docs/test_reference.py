"""Nothing that a user can set is undocumented, and nothing documented is gone."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import click
import pytest

from cortexia import registry
from cortexia.annotators.base import Annotator
from cortexia.cli.main import COMMANDS, cli
from cortexia.config import ProcessingConfig, Settings
from cortexia.documents import FILES, METADATA
from cortexia.exporters.flat import COLUMNS
from cortexia.report.drawn import DRAWN, DrawnFormat
from cortexia.stores.sql.schema import metadata
from cortexia.types import ANNOTATION_TYPES

ROOT = Path(__file__).parents[2]


def page(name: str) -> str:
    return (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")


def rows(text: str) -> set[str]:
    """Names in the first column of a page's tables."""
    return {name for line in text.splitlines() if line.startswith("| `") for name in code(line.split("|")[1])}


def code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def section(text: str, heading: str) -> str:
    own = text.split(f"## {heading}", 1)[1].split("\n", 1)[1]
    return re.split(r"^## ", own, flags=re.MULTILINE)[0]


def commands() -> dict[str, click.Command]:
    """Every command by what a user types."""
    found: dict[str, click.Command] = {}
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        found |= leaves(name, command)
    return found


def leaves(name: str, command: click.Command) -> dict[str, click.Command]:
    if not isinstance(command, click.Group):
        return {name: command}
    return {
        found: leaf for sub, inner in command.commands.items() for found, leaf in leaves(f"{name} {sub}", inner).items()
    }


def test_every_setting_is_explained_and_no_other() -> None:
    text = page("configuration.md").split("## `ProcessingConfig`")[0]
    assert rows(text) == {item.name for item in dataclasses.fields(Settings)}


def test_every_field_of_processing_config_is_explained() -> None:
    text = page("configuration.md").split("## `ProcessingConfig`")[1]
    public = {item.name for item in dataclasses.fields(ProcessingConfig) if not item.name.startswith("_")}
    assert rows(text) == public


@pytest.mark.parametrize("name", commands())
def test_every_option_of_a_command_is_explained(name: str) -> None:
    text = page("cli.md")
    own = section(text, f"`cortexia {name}") + section(text, "Options that most commands share")
    if name in ("find", "export"):
        own += section(text, "Options that choose rows")
    explained = {word.split()[0] for word in code(own) if word.startswith("-")}
    options = {flag for item in commands()[name].params if isinstance(item, click.Option) for flag in item.opts}
    assert options - explained == set()


def test_every_option_in_the_reference_exists() -> None:
    explained = {word.split()[0] for word in code(page("cli.md")) if word.startswith("--")}
    known = {flag for command in commands().values() for item in command.params for flag in item.opts}
    assert explained - known == {"--version", "--help"}


@pytest.mark.parametrize("name", registry.names("annotators"))
def test_every_option_of_an_annotator_is_explained(name: str) -> None:
    recipe: type[Annotator] = registry.load("annotators", name)
    own = section(page("annotators.md"), f"`{name}`")
    assert rows(own) == {item.name for item in dataclasses.fields(recipe)}
    assert all(f"`{kind}`" in own for kind in recipe.provides)


def test_defaults_of_annotators_are_those_in_the_reference() -> None:
    for name in registry.names("annotators"):
        for line in section(page("annotators.md"), f"`{name}`").splitlines():
            if line.startswith("| `"):
                option, default = (part.strip().strip("`") for part in line.split("|")[1:3])
                value = getattr(registry.load("annotators", name)(), option)
                assert default == str(value).lower() or float(default) == value, f"{name}.{option}"


def test_every_table_is_explained() -> None:
    explained = {word for line in page("store.md").splitlines() if line.startswith("| `") for word in code(line)}
    assert set(metadata.tables) - explained == set()


def test_every_type_is_there_with_the_name_that_sql_knows() -> None:
    own = page("store.md").split("### Types\n")[1].split("`runs.status`")[0]
    lines = own.splitlines()
    told = dict(tuple(code(line)) for line in lines if line.startswith("| `") and "annotation_type" not in line)
    same = code(" ".join(line for line in lines if not line.startswith("|")))
    known = {name: kind.stored_type for name, kind in ANNOTATION_TYPES.items()}
    assert told | {name: name for name in same} == known
    assert not set(told) & set(same)


def test_every_json_file_is_told_with_its_annotators() -> None:
    files: dict[str, list[str]] = {}
    for annotator, name in FILES.items():
        files.setdefault(name, []).append(annotator)
    told = re.findall(r"`(\w+)\.json` \(([^)]*)\)", section(page("exports.md"), "`json`"))
    assert {name: code(text) for name, text in told if name != METADATA} == files
    lines = [line for line in page("store.md").splitlines() if "for people: rows of `" in line]
    assert {code(line)[0].removeprefix("VIDEO/").removesuffix(".json"): code(line)[1:] for line in lines} == files
    assert set(FILES) <= set(registry.names("annotators"))


@pytest.mark.parametrize("name", registry.names("exporters"))
def test_what_a_format_cannot_carry_is_in_the_reference(name: str) -> None:
    exporter = registry.load("exporters", name)
    own = " ".join(section(page("exports.md"), f"`{name}`").split())
    assert [lost for lost in exporter.cannot_carry if lost not in own] == []
    options = [item.name for item in dataclasses.fields(exporter)] if dataclasses.is_dataclass(exporter) else []
    assert [option for option in options if f"`{option}`" not in own] == []


@pytest.mark.parametrize("drawn", DRAWN.values(), ids=list(DRAWN))
def test_what_a_drawing_cannot_carry_is_in_the_reference(drawn: DrawnFormat) -> None:
    own = " ".join(section(page("exports.md"), f"`{drawn.name}`").split())
    assert [lost for lost in drawn.cannot_carry if lost not in own] == []
    assert [f"`{name}`" in own and str(value) in own for name, value in drawn.options.items()] in ([], [True])


def test_every_column_of_tables_is_in_the_reference() -> None:
    assert rows(page("exports.md")) == set(COLUMNS)


def test_every_format_and_annotation_type_is_named() -> None:
    everything = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md"))
    assert [name for name in registry.names("exporters") if f"`{name}`" not in everything] == []
    provided = {kind for name in registry.names("annotators") for kind in registry.load("annotators", name).provides}
    assert provided <= set(ANNOTATION_TYPES)


@pytest.mark.parametrize("name", ["", *commands()])
def test_help_has_an_example(name: str) -> None:
    command = commands()[name] if name else cli
    text = command.get_help(click.Context(command, info_name=f"cortexia {name}".strip()))
    assert f"cortexia {name}".strip() in text.split("Examples:")[1]
