"""Somebody is made known by pictures: from the file to the name, with a finder of painted faces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import pytest

from cortexia import registry
from cortexia.annotators.base import StreamAnnotator, StreamSession
from cortexia.app import App, Request
from cortexia.config import Settings
from cortexia.errors import ConfigurationError, ProcessingError
from cortexia.types import BBox, Embedding, Face, Query, ViewSpec, frame_span
from cortexia.types.embedding import packed

RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)
VIEW = ViewSpec()


@dataclass(frozen=True)
class PaintedFaces(StreamAnnotator):
    """A face is a square of one pure colour, and looks like its colour."""

    name: ClassVar[str] = "faces"
    version: ClassVar[str] = "painted"
    provides: ClassVar[tuple[str, ...]] = ("face", "embedding")
    cost: ClassVar[float] = 0.001

    vectors: bool = True

    @property
    def views(self):
        return (VIEW,)

    def session(self, context):
        return PaintedSession(self.vectors)


class PaintedSession(StreamSession):
    def __init__(self, vectors: bool) -> None:
        self._vectors = vectors

    def process(self, inputs, upstream):
        return [list(self._faces(frame)) for frame in inputs]

    def _faces(self, frame) -> Iterator[Face | Embedding]:
        picture = frame.view(VIEW)
        for axis in range(3):
            others = [picture[..., other] for other in range(3) if other != axis]
            is_pure = (picture[..., axis] > 200) & (others[0] < 60) & (others[1] < 60)
            if not is_pure.any():
                continue
            y, x = np.nonzero(is_pure)
            common = {
                "span": frame_span(frame),
                "frame_index": frame.index,
                "bbox": BBox(float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1)),
            }
            yield Face(**common)
            if self._vectors:
                yield Embedding(model="paint", of="face", **common, **packed(np.eye(3)[axis]))


@pytest.fixture
def painted(monkeypatch):
    """The finder, known as an installation would make it known."""
    monkeypatch.setitem(registry._entries("annotators"), "faces", Installed)
    registry.load.cache_clear()
    yield
    registry.load.cache_clear()


class Installed:
    """What the registry keeps of a choice."""

    value = "painted"

    @staticmethod
    def load() -> type[PaintedFaces]:
        return PaintedFaces


@pytest.fixture
def app(painted, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with App(Settings(store=str(tmp_path / "store.db"), executor="inline")) as opened:
        yield opened


@pytest.fixture
def picture(tmp_path):
    """``picture(name, (colour, side), ...)``: a file with these faces, from left to right."""

    def paint(name: str, *faces) -> str:
        canvas = np.full((120, 400, 3), 90, np.uint8)
        canvas[0, 0] = len(name) % 50  # pictures of other names are other videos
        for at, (colour, side) in enumerate(faces):
            canvas[20 : 20 + side, 20 + 120 * at : 20 + 120 * at + side] = colour
        cv2.imwrite(str(tmp_path / name), canvas)
        return str(tmp_path / name)

    return paint


def look(app: App, *paths: str) -> None:
    app.annotate(paths, Request(("face_groups",), {"face_groups": {"link_people": False}}))


def test_who_was_enrolled_is_found_in_what_is_there_and_in_what_comes(app, picture):
    look(app, picture("there.png", (RED, 50), (BLUE, 50)))
    person, chosen = app.enroll("Ada", [picture("ada.png", (RED, 60))])
    assert (person.label, person.videos) == ("Ada", 2)
    assert [(one.filename, one.faces) for one in chosen] == [("ada.png", 1)]
    look(app, picture("later.png", (GREEN, 50), (RED, 40)))
    people = {one.label: one.videos for one in app.people.refresh().directory.people}
    assert people == {"Ada": 3, "Person A": 1, "Person B": 1}
    found = list(app.find(Query(types=("identity",), labels=("Ada",))))
    assert sorted(row.annotation.bbox.width for row in found) == [40.0, 50.0, 60.0]


def test_several_pictures_are_one_person_however_unlike(app, picture):
    pictures = [picture("one.png", (RED, 60)), picture("other.png", (GREEN, 60))]
    person, _ = app.enroll("Ada", pictures)
    assert person.videos == 2


def test_of_several_faces_the_largest_is_taken_and_told(app, picture):
    person, (chosen,) = app.enroll("Ada", [picture("two.png", (GREEN, 30), (RED, 60))])
    assert chosen.faces == 2
    assert [one.row.bbox.width for one in person.appearances] == [60.0]


def test_a_name_outlives_another_look_at_the_picture(app, picture):
    path = picture("two.png", (GREEN, 30), (RED, 60))
    app.enroll("Ada", [path])
    options = {"face_groups": {"link_people": False, "buffer_s": 7.0}}
    app.annotate([path], Request(("face_groups",), options))
    (ada,) = [one for one in app.people.refresh().directory.people if one.is_named]
    assert [one.row.bbox.width for one in ada.appearances] == [60.0]


def test_without_vectors_the_command_that_brings_them_is_told(painted, tmp_path, monkeypatch, picture):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = Settings(store=str(tmp_path / "store.db"), executor="inline", options={"faces": {"vectors": False}})
    with App(settings) as app, pytest.raises(ConfigurationError, match="run: cortexia models pull sface"):
        app.enroll("Ada", [picture("ada.png", (RED, 60))])


def test_nobody_is_enrolled_by_an_empty_picture_or_a_broken_one(app, picture, tmp_path):
    with pytest.raises(ConfigurationError, match=r"no face was found in empty\.png"):
        app.enroll("Ada", [picture("empty.png")])
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ProcessingError, match="nobody was enrolled"):
        app.enroll("Ada", [str(tmp_path / "broken.png")])
    assert app.people.refresh().directory.people == ()


def test_a_name_is_looked_at_before_anything_is_annotated(app, picture):
    with pytest.raises(ConfigurationError, match="itself calls people"):
        app.enroll("Person B", [picture("ada.png", (RED, 60))])
    assert app._existing_store() is None
