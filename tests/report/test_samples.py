"""Names on sample pictures: readable at the edges, and none on top of another."""

from __future__ import annotations

import pytest
from stocking import span, stored

from cortexia.app import Request
from cortexia.report.gather import gather
from cortexia.report.samples import Box, make_samples
from cortexia.report.style import style_of
from cortexia.testing import ShotSpec, VideoSpec
from cortexia.types import BBox, Detection


@pytest.fixture
def drawn(annotated, clips):
    """``drawn((label, confidence, box), ...)``: boxes as the page draws them, in its order; of a clip of 200x100."""

    def draw(*found: tuple[str, float, tuple[float, float, float, float]]) -> list[Box]:
        path = clips("samples.mp4", VideoSpec(width=200, height=100, shots=(ShotSpec(1.0),)))[0]
        app = annotated(path, request=Request(("shots", "frames")))
        identity = next(iter(app.store().videos())).identity
        rows = [
            Detection(span=span(0, 40), label=label, confidence=confidence, frame_index=0, bbox=BBox(*edges))
            for label, confidence, edges in found
        ]
        stored(app.store(), identity, "objects", rows)
        data = app.report_data(identity.video_id)
        facts = gather(data)
        (sample,) = make_samples(facts, data.record.media.video, style_of(facts), data.blob)
        return sample.boxes

    return draw


def test_of_names_that_would_overlap_the_surest_is_shown_and_on_top(drawn):
    boxes = drawn(("chair", 0.4, (50, 52, 90, 90)), ("person", 0.9, (52, 50, 80, 95)), ("cat", 0.2, (10, 90, 30, 99)))
    assert [(box.label, box.is_named) for box in boxes] == [("cat", True), ("chair", False), ("person", True)]


@pytest.mark.parametrize(("left", "is_right"), [(10, False), (120, False), (150, True), (190, True)])
def test_a_name_near_the_right_edge_ends_with_its_box(drawn, left, is_right):
    (box,) = drawn(("person", 0.9, (left, 50, 199, 90)))
    assert box.is_right is is_right
