"""The page on models tells of every model and preset, as they are."""

from __future__ import annotations

import re
import tomllib
import typing
from pathlib import Path

from cortexia.models.base import ModelEntry
from cortexia.models.catalogue import load_catalogue, parse_catalogue
from cortexia.models.presets import load_presets

DOCS = Path(__file__).parents[2] / "docs"


def lines(heading: str) -> list[str]:
    text = (DOCS / "reference" / "models.md").read_text(encoding="utf-8")
    own = re.split(r"^## ", text.split(f"## {heading}\n", 1)[1], flags=re.MULTILINE)[0]
    return [line for line in own.splitlines() if line.startswith("| `")]


def test_the_table_of_models_is_the_catalogue() -> None:
    wanted = []
    for entry in load_catalogue().values():
        presets = ", ".join(entry.presets) or "-"
        size = f"{entry.size_bytes / 1e6:.1f}"
        wanted.append(f"| `{entry.id}` | {entry.task} | {size} | {entry.licence} | `{entry.adapter}` | {presets} |")
    assert lines("Models") == wanted


def test_the_table_of_presets_is_the_data() -> None:
    wanted = []
    for preset in load_presets():
        models = ", ".join(f"`{model_id}`" for model_id in preset.models) or "none"
        wanted.append(f"| `{preset.name}` | {preset.summary} | {models} |")
    assert lines("Presets") == wanted


def test_every_key_of_an_entry_is_explained() -> None:
    assert [re.findall(r"`(\w+)`", line)[0] for line in lines("Keys of an entry")] == list(
        typing.get_type_hints(ModelEntry)
    )


def test_the_example_of_a_catalogue_is_one() -> None:
    text = (DOCS / "how-to" / "models.md").read_text(encoding="utf-8")
    example = text.split("```toml\n")[1].split("```")[0]
    assert tomllib.loads(example)
    (entry,) = parse_catalogue(example, "example")
    assert entry.adapter == "yolox"
