"""Pages as files: one video, or all of a store one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from cortexia.files import atomic_write, make_folder
from cortexia.report.base import VideoData
from cortexia.report.gather import gather
from cortexia.report.index_page import STRIPS_SHOWN, VideoLine, index_page, page_name, video_line
from cortexia.report.video_page import video_page

PAGES = "videos"


def write_page(data: VideoData, output: Path) -> None:
    """One video's page; the file is replaced only when the new one is whole."""
    atomic_write(output, video_page(data))


def write_pages(videos: Iterable[VideoData], folder: Path, on_page: Callable[[str, Path], None]) -> int:
    """A page per video in ``folder/videos`` and ``folder/index.html`` over them; returns how many videos there are.

    ``on_page`` is told each video's name and file once it is written. Files of videos that the store does not hold any
    more stay where they are.
    """
    make_folder(folder / PAGES)
    lines: list[VideoLine] = []
    labels: Counter[str] = Counter()
    for data in videos:
        facts = gather(data)
        target = folder / PAGES / page_name(data)
        atomic_write(target, video_page(data, facts))
        lines.append(video_line(data, facts, with_strip=len(lines) < STRIPS_SHOWN))
        labels.update({label: len(found) for label, found in facts.detections.items()})
        on_page(data.record.identity.filename, target)
    atomic_write(folder / "index.html", index_page(lines, labels, PAGES))
    return len(lines)
