"""What a video's page holds, and that its numbers are those of the store."""

from __future__ import annotations

import pytest
from reading import Page, faults
from stocking import opened_app, span, stored

from cortexia.app import Request
from cortexia.report.video_page import video_page
from cortexia.types import Detection, Query, SoundEvent, TimeRange


def only(app):
    return app.report_data(next(iter(app.store().videos())).identity.video_id)


@pytest.fixture(scope="module")
def html(full_store, request) -> bytes:
    with opened_app(full_store) as app:
        return video_page(only(app))


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_nothing_comes_from_elsewhere_and_nothing_runs(page):
    assert faults(page) == []
    policy = next(tag["content"] for tag in page.all("meta") if tag.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")


def test_faults_would_be_noticed():
    text = '<p onclick="x()"><img src="http://a/b.png"><script>1</script></p><svg><path d="M0 nan"/></svg>'
    assert len(faults(Page(text.encode()))) == 4


def test_the_head_says_what_the_file_is(full, page):
    media = only(full).record.media
    assert f"{media.video.width} \u00d7 {media.video.height}" in page.text
    for said in ("report.mp4", "h264", "25 /s", "aac, 48 kHz", only(full).video_id, "Frames decoded 150"):
        assert said in page.text


def test_every_shot_has_a_card_with_its_picture_and_time(page):
    assert len([tag for tag in page.all("img") if (tag["alt"] or "").startswith("shot ")]) == 3
    for start in ("0:00.00", "0:02.00", "0:04.00"):
        assert start in page.text


def test_counts_are_those_of_the_store(full, page):
    rows = list(full.rows(Query()))
    detections = [row for row in rows if isinstance(row.annotation, Detection)]
    for label in ("person", "car", "dog"):
        own = [row for row in detections if row.annotation.label == label]
        frames = {row.annotation.frame_index for row in own}
        assert f"{len(own)} detections in {len(frames)} frames" in page.text
    sounds = [row for row in rows if isinstance(row.annotation, SoundEvent)]
    assert f"{len(sounds)} interval" in page.text
    assert f"{len(rows)} rows" in page.text


def test_extremes_of_curves_are_those_of_the_store(full, page):
    rows = [row.annotation for row in full.rows(Query(types=("measure",))) if row.annotation.label == "quality"]
    values = [row.values["sharpness"] for row in rows if row.values]
    assert f"{min(values):.3g} to {max(values):.0f}, median" in page.text
    assert f"{len(values)} values" in page.text
    for title in ("Loudness", "Sharpness", "Exposure", "Noise", "Pan", "Tilt", "Zoom", "Other movement"):
        assert title in page.texts


def test_boxes_are_drawn_where_they_are(full, page):
    """Every box on a sample is a detection of the frame that its caption names, in percent of the display."""
    video = only(full).record.media.video
    stored_boxes = {
        f"left:{box.x1 / video.width * 100:.2f}%;top:{box.y1 / video.height * 100:.2f}%"
        for row in full.rows(Query(types=("detection",)))
        if (box := row.annotation.bbox)
    }
    drawn = page.with_class("box")
    assert drawn
    assert {";".join(tag["style"].split(";")[:2]) for tag in drawn} <= stored_boxes


def test_a_nearer_frame_is_taken_and_said(full, page):
    pictures = {row.annotation.frame_index for row in full.rows(Query(types=("key_picture",)))}
    looked = {row.annotation.frame_index for row in full.rows(Query(types=("detection",)))}
    assert ("of this very frame" in page.text) == bool(pictures & looked)
    assert ("the nearest with detections" in page.text) == bool(pictures - looked)


def test_what_was_not_measured_is_counted_with_its_reason(page):
    assert "the picture is corrupt (4 rows)" in page.text
    assert "quality_summary: flicker too short (1 row)" in page.text


def test_a_shot_has_hints_of_its_quality_and_its_camera(page):
    hints = [
        text for text in page.texts if text in ("sharpness 200", "sharpness 201", "25% blurred", "black", "static")
    ]
    assert hints.count("25% blurred") == 1
    assert {"sharpness 200", "sharpness 201", "static", "black"} <= set(hints)


def test_provenance_names_options_weights_and_versions(full, page):
    assert "d" * 16 in page.text
    assert "all as by default" in page.text
    assert "Made with" in page.text
    assert "opencv-python-headless" in page.text


def test_only_options_that_differ_are_shown(annotated, clip):
    app = annotated(clip, request=Request(("frames",), {"frames": {"per_shot": 2}}))
    text = Page(video_page(only(app))).text
    assert "per_shot=2" in text
    assert "jpeg_quality" not in text


def test_two_runs_of_an_annotator_are_not_added_up(full, page):
    """A range is a run of its own; the page draws the whole video's and names the other."""
    video = only(full).record.identity
    more = [SoundEvent(span=span(5000, 5500), label="sound")]
    stored(full.store(), video, "loudness", more, time_range=TimeRange(5.0, 6.0))
    text = Page(video_page(only(full))).text
    assert "another run: not drawn above" in text
    assert next(part for part in page.texts if "of the time" in part) in text


def test_the_same_store_gives_the_same_bytes(full, html):
    assert video_page(only(full)) == html


def test_a_missing_picture_is_said(full):
    for blob in full.store().blobs.base.rglob("*.jpg"):
        blob.unlink()
    text = Page(video_page(only(full))).text
    assert text.count("picture is missing") == 3
