"""The page on models tells of every model and preset, as they are."""

from __future__ import annotations

import re
import tomllib
import typing
from pathlib import Path

from cortexia.models.arrivals import file_digest
from cortexia.models.base import ModelEntry
from cortexia.models.catalogue import load_catalogue, parse_catalogue
from cortexia.models.description import DESCRIPTION, describe_folder
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
        size = f"{entry.size_bytes / 1e6:.1f}" if entry.is_pinned else "?"
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


def test_the_examples_of_a_catalogue_and_a_description_are_such(tmp_path: Path) -> None:
    text = (DOCS / "how-to" / "models.md").read_text(encoding="utf-8")
    examples = [part.split("```")[0] for part in text.split("```toml\n")[1:]]
    assert all(tomllib.loads(example) for example in examples)
    folder, file = (parse_catalogue(example, "example")[0] for example in (examples[0], examples[-1]))
    assert (folder.adapter, folder.is_pinned) == ("sam2", True)
    assert file.adapter == "yolox"
    (tmp_path / DESCRIPTION).write_text(examples[1])
    (tmp_path / "ours.onnx").write_bytes(b"never opened here")
    described = describe_folder(tmp_path, file_digest)
    assert (described.adapter, described.settings) == ("yolox", {"input_size": [416, 416]})
