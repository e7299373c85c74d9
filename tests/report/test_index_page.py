"""The index over a store: order, totals, and what it does not claim."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from reading import Page, faults
from stocking import shot, stored

from cortexia.report.gather import gather
from cortexia.report.index_page import page_name, video_line
from cortexia.types import Detection, MediaInfo, Query, RunStatus, Verdict, VerdictStatus, VideoIdentity

MEDIA = MediaInfo("mov", 10, 6.0, Fraction(0), None, None, Verdict(VerdictStatus.OK))


@pytest.fixture
def batch(full, tmp_path):
    """One full video, one that was never read, one whose run failed; and the index over them."""
    store = full.store()
    store.save_video(VideoIdentity("b" * 64, "/videos/never.mp4", "never.mp4", 10))
    failed = VideoIdentity("c" * 64, "/videos/c.mp4", "Zoë & co <b>.mp4", 10)
    store.save_video(failed, MEDIA)
    stored(store, failed, "shots", [shot(0, 0, 2000), shot(1, 2000, 6000)])
    stored(store, failed, "objects", [], RunStatus.FAILED, reason="annotator", message="no luck")
    said: list[str] = []
    assert full.batch_report(tmp_path / "out", lambda name, path: said.append(name)) == 3
    assert sorted(said) == ["Zoë & co <b>.mp4", "never.mp4", "report.mp4"]
    return full, tmp_path / "out"


def test_the_index_is_a_page_of_ours_and_links_lead_to_pages(batch):
    page = Page((batch[1] / "index.html").read_bytes())
    assert faults(page) == []
    links = {tag["href"] for tag in page.all("a")}
    assert len(links) == 3
    assert all((batch[1] / link).is_file() for link in links)


def test_failures_come_first(batch):
    page = Page((batch[1] / "index.html").read_bytes())
    names = [text for text in page.texts if text.endswith(".mp4")][:3]
    assert names == ["Zoë & co <b>.mp4", "never.mp4", "report.mp4"]
    assert "Objects (objects): annotator: no luck" in page.text


def test_totals_are_those_of_the_store(batch):
    app, folder = batch
    page = Page((folder / "index.html").read_bytes())
    rows = [row.annotation for row in app.rows(Query())]
    labels = Counter(row.label for row in rows if isinstance(row, Detection))
    assert f"{sum(labels.values())} detections" in page.text
    assert f"{len(rows)} rows" in page.text
    for label, amount in labels.items():
        assert f"{label} {amount}" in page.text


def test_none_found_is_a_number_and_not_looked_is_a_dash(batch):
    app, _ = batch
    data = app.report_data("b" * 64)
    line = video_line(data, gather(data), with_strip=True)
    assert (line.shots, line.shots_told, line.strip) == (None, "\u2013", "")
    app.store().save_video(data.record.identity, MEDIA)
    stored(app.store(), data.record.identity, "objects", [])
    again = app.report_data("b" * 64)
    assert video_line(again, gather(again), with_strip=False).detections == 0


def test_pace_is_shots_over_the_time_they_cover(batch):
    data = batch[0].report_data("c" * 64)
    line = video_line(data, gather(data), with_strip=False)
    assert line.shots_per_minute == 2 / (6 / 60)


def test_what_was_left_out_for_good_reason_is_no_failure(annotated):
    app = annotated()
    sound = VideoIdentity("d" * 64, "/videos/d.mp3", "d.mp3", 10)
    app.store().save_video(sound, MEDIA)
    stored(app.store(), sound, "shots", [], RunStatus.SKIPPED, reason="no_video", message="no video stream")
    data = app.report_data(sound.video_id)
    line = video_line(data, gather(data), with_strip=False)
    assert (line.standing, line.shots, line.why) == ("ok", None, "Shots (shots): no_video: no video stream")


def test_file_names_are_plain(batch):
    assert page_name(batch[0].report_data("c" * 64)) == "zo-co-b-cccccccccccccccc.html"


def test_an_empty_store_has_an_index(annotated, tmp_path):
    app = annotated()
    app.store()
    assert app.batch_report(tmp_path / "out") == 0
    page = Page((tmp_path / "out" / "index.html").read_bytes())
    assert "The store holds no videos yet." in page.texts
    assert faults(page) == []


def test_writing_it_again_gives_the_same_bytes(batch, tmp_path):
    app, folder = batch
    app.batch_report(tmp_path / "again")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*.html"))
    assert [(tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes() for name in files] == [True] * 4
