"""What the pages say to type is typed here, and prints what they say it prints."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from cortexia.testing import demo_spec

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "docs/quickstart.md",
    "docs/how-to/batches.md",
    "docs/how-to/query-with-sql.md",
    "docs/how-to/write-a-tracker.md",
    "docs/how-to/write-an-annotator.md",
]
HOME = "/home/you/cortexia"
"""What stands for the reader's folder in what pages print."""
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")

_BLOCK = re.compile(r"^<!-- (?P<mark>[^>]+?) -->\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    mark: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """Marked code blocks of a page. A mark is a comment on the line before the fence: ``<!-- runs -->``."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [Block(**match.groupdict()) for match in _BLOCK.finditer(text)]


@pytest.fixture
def desk(tmp_path: Path, clips) -> Path:  # type: ignore[no-untyped-def]
    """A folder as a reader has it: with the demo's clip."""
    clip, _ = clips("demo.mp4", demo_spec())
    (tmp_path / "demo-output").mkdir()
    shutil.copy(clip, tmp_path / "demo-output" / "demo.mp4")
    shutil.copy(clip, tmp_path / "clip.mp4")
    return tmp_path


def run_block(block: Block, desk: Path) -> str:
    """What a block prints, stdout and stderr."""
    if block.language == "sql":
        return run_sql(block, desk)
    shell = {"sh": ["bash", "-euc"], "python": [sys.executable, "-c"]}[block.language]
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    env = {**os.environ, "PATH": os.pathsep.join(paths), "PYTHONPATH": str(desk)}
    done = subprocess.run([*shell, block.text], cwd=desk, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"
    return (done.stdout + done.stderr).replace(str(desk.resolve()), HOME)


def run_sql(block: Block, desk: Path) -> str:
    lines = []
    with sqlite3.connect(desk / block.mark.removeprefix("runs on ")) as database:
        for statement in filter(str.strip, block.text.split(";")):
            lines += ["|".join(map(str, row)) for row in database.execute(statement)]
    return "\n".join(lines)


def install(plugin: Block, desk: Path) -> None:
    """Make the entry points of a page's pyproject known, as an installation would."""
    project = tomllib.loads(plugin.text)["project"]
    folder = desk / f"{project['name']}-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    lines = [
        line
        for group, own in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {place}" for name, place in own.items()))
    ]
    (folder / "entry_points.txt").write_text("\n".join(lines))


@pytest.mark.parametrize("page", PAGES)
def test_page_does_what_it_says(page: str, desk: Path) -> None:
    printed = ""
    ran = 0
    for block in blocks(page):
        if block.mark.startswith("file "):
            (desk / block.mark.removeprefix("file ")).write_text(block.text)
        elif block.mark == "entry points":
            install(block, desk)
        elif block.mark.startswith("runs"):
            printed = run_block(block, desk)
            ran += 1
        else:
            assert block.mark == "prints"
            missing = [line for line in block.text.splitlines() if line not in printed]
            assert not missing, f"{missing} not in\n{printed}"
    assert ran


def test_a_command_that_fails_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no-such-file"):
        run_block(Block("runs", "sh", "cortexia annotate no-such-file.mp4"), tmp_path)


@pytest.mark.parametrize(
    "page", sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
)
def test_links_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    targets = [target for target in LINK.findall((ROOT / page).read_text(encoding="utf-8")) if "://" not in target]
    assert [target for target in targets if not (folder / target).exists()] == []
