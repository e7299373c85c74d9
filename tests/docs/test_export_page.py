"""The page about COCO does what it says, on a store that has detections already."""

from __future__ import annotations

from pathlib import Path

from filled import box, fill, identity
from tests.docs.test_pages import blocks, run_block

from cortexia.stores import open_store
from cortexia.types import BBox


def test_the_page_about_coco(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "clips.db"))
    boxes = [box(12, "person", 0.9, bbox=BBox(100, 40, 160, 160)), box(13, "person", 0.8, bbox=BBox(104, 40, 164, 160))]
    fill(store, identity(), "objects", [*boxes, box(13, "cat", 0.7)])
    store.close()
    printed, ran = "", 0
    for block in blocks("docs/how-to/export-coco.md"):
        if block.mark == "runs":
            printed = run_block(block, tmp_path)
            ran += 1
        else:
            assert [line for line in block.text.splitlines() if line not in printed] == []
    assert ran == 2
