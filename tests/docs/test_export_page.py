"""The pages about COCO and subtitles do what they say, on stores that are filled already."""

from __future__ import annotations

from pathlib import Path

from filled import box, fill, identity, sound, spoken, turn, utterance
from tests.docs.test_pages import blocks, run_block

from cortexia.stores import open_store
from cortexia.types import BBox


def test_the_page_about_coco(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "clips.db"))
    boxes = [box(12, "person", 0.9, bbox=BBox(100, 40, 160, 160)), box(13, "person", 0.8, bbox=BBox(104, 40, 164, 160))]
    fill(store, identity(), "objects", [*boxes, box(13, "cat", 0.7)])
    store.close()
    assert follow("docs/how-to/export-coco.md", tmp_path) == 2


def test_the_page_about_subtitles(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "talk.db"))
    text = ["Shall", "we", "begin?", "There", "is", "a", "lot", "to", "tell", "you", "today."]
    words = [spoken(1 + 0.3 * place, 1.3 + 0.3 * place, word) for place, word in enumerate(text)]
    rows = [utterance(1, 4.3, " ".join(text), language="en"), *words, turn(1, 4.3), sound(4.5, 5.2)]
    fill(store, identity("a", "talk.mp4"), "heard", rows)
    store.close()
    assert follow("docs/how-to/subtitles.md", tmp_path) == 3


def follow(page: str, desk: Path) -> int:
    """Run what is marked in ``page`` and look for what it says is printed; returns how many blocks ran."""
    printed, ran = "", 0
    for block in blocks(page):
        if block.mark == "runs":
            printed = run_block(block, desk)
            ran += 1
        else:
            assert [line for line in block.text.splitlines() if line not in printed] == []
    return ran
