"""The elements of CVAT's XML, from the facts of a video and lines in the order of tracks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from cortexia.exporters.base import VideoFacts
from cortexia.exporters.sequences import frame_count, picture_stream
from cortexia.exporters.xml_text import element, end, start

ATTRIBUTES = ("confidence", "track", "person_id", "annotation_id")
"""What shapes may say beside their place."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A shape in a frame. ``thing``: what it shows, from 1; ``form``: 0 for its box, 1 for its mask. ``bridged``:
    frames by which the next one of its track may lie behind it, and CVAT still fills what is between. ``sides``:
    attributes of place, ``said``: values of ``ATTRIBUTES``."""

    thing: int
    form: int
    frame: int
    label: str
    bridged: int
    tag: str
    sides: Mapping[str, str]
    said: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Task:
    """``last_index``: of the last frame with shapes."""

    video: VideoFacts
    labels: Iterable[str]
    last_index: int

    @property
    def frames(self) -> int:
        return frame_count(self.video, self.last_index)


def document(task: Task, shapes: Iterable[Placed]) -> Iterator[str]:
    """The file, piece by piece. ``shapes`` in order of thing, form and frame."""
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    yield start("annotations") + "\n"
    yield element("version", "1.1")
    yield from _meta(task)
    for number, ((thing, _), own) in enumerate(groupby(shapes, key=lambda shape: (shape.thing, shape.form))):
        yield from _track(task, number, thing, own)
    yield end("annotations")


def _meta(task: Task) -> Iterator[str]:
    stream = picture_stream(task.video)
    yield start("meta") + start("task") + "\n"
    yield element("id", 1) + element("name", task.video.identity.filename) + element("size", task.frames)
    yield element("mode", "interpolation") + element("overlap", 0) + element("bugtracker")
    yield element("start_frame", 0) + element("stop_frame", task.frames - 1) + element("frame_filter")
    yield start("labels") + "\n"
    for label in task.labels:
        yield start("label") + element("name", label) + start("attributes") + "\n"
        yield from (_declared(name) for name in ATTRIBUTES)
        yield end("attributes") + end("label")
    yield end("labels")
    yield start("original_size") + element("width", stream.width) + element("height", stream.height)
    yield end("original_size") + element("source", task.video.identity.filename)
    yield end("task") + end("meta")


def _declared(name: str) -> str:
    told = element("name", name) + element("mutable", True) + element("input_type", "text")
    return start("attribute") + told + element("default_value") + element("values") + end("attribute")


def _track(task: Task, number: int, thing: int, shapes: Iterator[Placed]) -> Iterator[str]:
    """A track, whose shapes are ``outside`` from the frame after each that nothing follows soon."""
    shape = next(shapes)
    yield start("track", id=number, label=shape.label, source="auto", group_id=thing) + "\n"
    while True:
        yield _shape(shape, shape.frame, outside=False)
        following = next(shapes, None)
        is_last = following is None or following.frame > shape.frame + shape.bridged
        if is_last and shape.frame + 1 < task.frames:
            yield _shape(shape, shape.frame + 1, outside=True)
        if following is None:
            break
        shape = following
    yield end("track")


def _shape(shape: Placed, frame: int, outside: bool) -> str:
    state = {"frame": frame, "outside": int(outside), "occluded": 0, "keyframe": 1}
    said = "" if outside else "".join(element("attribute", value, name=name) for name, value in shape.said.items())
    return start(shape.tag, **state, **shape.sides, z_order=0) + said + end(shape.tag)
