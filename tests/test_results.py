"""What ``process`` returns: a dict, and tables, detections and a page made of it."""

from __future__ import annotations

import copy
import json
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import cortexia
from cortexia.errors import MissingDependencyError
from cortexia.exporters.flat import COLUMNS
from cortexia.results import THUMBNAILS, Result, shown_pictures
from cortexia.testing import SCENES, ShotSpec, VideoSpec

TAGS = {"div", "style", "h4", "bdi", "ul", "li", "b", "p", "table", "tr", "th", "td"}
ATTACK = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def result(clips) -> Result:
    shots = tuple(ShotSpec(1.2, scene=name) for name in sorted(SCENES)[:2])
    with cortexia.VideoProcessor() as processor:
        return processor.process(clips("processor.mp4", VideoSpec(shots=shots))[0], mode="scene")


def detection(frame: int, label: str | None = "person", confidence: float | None = 0.5, **more) -> dict:
    row = dict.fromkeys(COLUMNS)
    row |= {"video_id": "v", "uri": "/v.mp4", "type": "detection", "start_pts": frame, "end_pts": frame + 1}
    row |= {"start_s": frame / 25, "end_s": (frame + 1) / 25, "time_base": "1/25", "data": {}, "annotator": "objects"}
    row |= {"label": label, "confidence": confidence, "frame_index": frame, "bbox": [1.0, 2.0, 3.0, 4.0]}
    row |= {"run_id": "r", "annotation_id": f"i{frame}"}
    return row | more


def made(*rows: dict, **changes) -> Result:
    values = {"video_id": "v" * 64, "uri": "/v.mp4", "verdict": None, "runs": [], "annotations": list(rows)}
    return Result(values | changes)


def test_it_is_a_dict_still(result):
    assert isinstance(result, dict)
    assert set(result) == {"video_id", "uri", "verdict", "runs", "annotations"}
    assert json.loads(json.dumps(result)) == result == copy.deepcopy(result)


# -- tables and detections


def test_pandas_has_the_columns_of_csv(result):
    frame = result.to_pandas()
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == len(result["annotations"])
    assert list(frame[frame["type"] == "shot"]["start_s"]) == [0.0, 1.2]
    assert str(made(detection(3), detection(4, frame_index=None)).to_pandas()["frame_index"].dtype) == "Int64"
    assert list(made().to_pandas().columns) == list(COLUMNS)


def test_arrow_has_the_columns_of_parquet(result):
    table = result.to_arrow()
    assert table.schema.names == list(COLUMNS)
    assert table.column("annotation_id").to_pylist() == [row["annotation_id"] for row in result["annotations"]]


def test_supervision_has_detections_by_frame():
    found = made(
        detection(7, "zoo", track_id="t1"), detection(2), detection(7, None), detection(2, "cat")
    ).to_supervision()
    assert list(found) == [2, 7]
    assert found[2].xyxy.tolist() == [[1.0, 2.0, 4.0, 6.0]] * 2
    assert found[2].class_id.tolist() == [1, 17]
    assert found[7].data["class_name"].tolist() == ["zoo", "unlabelled"]
    assert found[7].class_id.tolist() == [92, 91]
    assert found[7].data["track_id"].tolist() == ["t1", ""]
    assert found[7].metadata == {"frame_index": 7, "time_s": 0.28}
    assert made().to_supervision() == {}


def test_a_confidence_that_is_missing_is_not_made_up():
    found = made(detection(1), detection(1, confidence=None), detection(2)).to_supervision()
    assert found[1].confidence is None
    assert found[2].confidence.tolist() == [0.5]


@pytest.mark.parametrize(
    ("package", "call"),
    [("pandas", Result.to_pandas), ("pyarrow", Result.to_arrow), ("supervision", Result.to_supervision)],
)
def test_without_the_package_the_line_that_installs_it_is_told(monkeypatch, package, call):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match="pip install 'cortexia"):
        call(made(detection(1)))


# -- the page


class Seen(HTMLParser):
    """Tags with their attributes, and all text, as a browser takes them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_the_page_shows_counts_and_pictures(result):
    seen = Seen(result._repr_html_())
    pictures = [attributes["src"] for tag, attributes in seen.tags if tag == "img"]
    assert len(pictures) == 2
    assert all(source.startswith("data:image/jpeg;base64,/9j/") for source in pictures)
    assert "2 of 2 key pictures" in seen.text
    assert "processor.mp4" in seen.text
    assert "key_picture2" in seen.text, "the type and, in the next cell, its count"


def test_hostile_text_is_text(data_dir):
    texts = (data_dir / "badmedia" / "selfmade" / "text" / "labels_xss.txt").read_text().splitlines()
    for text in [ATTACK, *(text for text in texts if len(text) <= 256)]:
        runs = [{"annotator": text, "status": "failed", "reason": text}]
        verdict = {"status": text, "reason": text, "frames_decoded": 1}
        row = detection(1, text, type=text)
        seen = Seen(made(row, uri=f"/{text}", video_id=text, runs=runs, verdict=verdict)._repr_html_())
        assert {tag for tag, _ in seen.tags} <= TAGS
        assert not [attributes for _, attributes in seen.tags if set(attributes) - {"class"}]
        assert text[:39] in seen.text


def test_without_escaping_it_would_be_noticed(monkeypatch):
    """Negative control."""
    monkeypatch.setattr("cortexia.result_page.html.escape", lambda text, quote=True: text)
    assert "img" in {tag for tag, _ in Seen(made(detection(1, ATTACK))._repr_html_()).tags}


def test_what_failed_is_on_the_page():
    runs = [{"annotator": "objects", "status": "failed", "reason": "annotator"}]
    page = made(runs=runs)._repr_html_()
    assert "objects failed (annotator)" in page
    assert "nothing was found" in page


def test_long_videos_show_pictures_spread_evenly():
    rows = [{"type": "key_picture", "place": place} for place in range(240)]
    shown = [row["place"] for row in shown_pictures(rows)]
    assert shown == list(range(0, 240, 240 // THUMBNAILS))
    assert shown_pictures(rows[:3]) == rows[:3]


def test_a_missing_picture_is_counted(result):
    assert "0 of 2 key pictures" in Result(result, {})._repr_html_()


def test_a_processor_that_is_closed_left_the_pictures(result):
    assert all(data.startswith(b"\xff\xd8") for data in result.thumbnails.values())
    assert not any(Path(str(name)).exists() for name in result.thumbnails)
