"""What every registered exporter promises, whatever its format."""

from __future__ import annotations

import dataclasses
import html
import io
import sys
import tracemalloc
from pathlib import Path
from urllib.parse import unquote

import pytest
from defusedxml import ElementTree
from filled import (
    HOSTILE,
    HUGE,
    Endless,
    box,
    everything,
    fill,
    identity,
    media,
    of_frames,
    span,
    track,
    track_box,
    turn,
    utterance,
    word,
)

from cortexia import registry
from cortexia.errors import ConfigurationError, ResourceError, UnknownNameError, ValidationError
from cortexia.exporters import make_exporter
from cortexia.exporters.base import ExportSource
from cortexia.exporters.destination import LocalFolder, write_export
from cortexia.exporters.jsonl import JsonlExporter, row_to_dict
from cortexia.exporters.tracks import Tracks
from cortexia.stores import open_store
from cortexia.types import Annotation, Query, RunStatus, TimeRange, canonical_json

NAMES = registry.names("exporters")
MEMORY_BYTES = 4 << 20
MANY_TRACKS_BYTES = 1 << 19
HEARD = {"ctm": "word", "rttm": "speaker_turn", "srt": "utterance", "textgrid": "word", "tsv": "word", "webvtt": "word"}
WANTED = {"coco-tracks": "track_box", **HEARD}
"""What a format carries, where it is not detections."""
_MADE = {"word": word(0, 1), "speaker_turn": turn(0, 1), "utterance": utterance(0, 1, "Two words.")}
ENDLESS = {"coco-tracks": track_box(0), **{name: _MADE[kind] for name, kind in HEARD.items()}}
UNDO = {
    "ctm": unquote,
    "rttm": unquote,
    "srt": lambda text: text.replace("\u2039", "<").replace("\u203a", ">"),
    "webvtt": html.unescape,
}
"""How the characters that a format escapes come back."""
OPTIONS = {"yolo": {"images": "none"}}
"""Where the usual options need videos that can be decoded, which made-up stores do not have."""
every_format = pytest.mark.parametrize("name", NAMES)


def with_options(name: str):
    return make_exporter(name, OPTIONS.get(name))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = everything(tmp_path_factory.mktemp("full"))
    yield opened
    opened.close()


def exported(name: str, source: ExportSource, target: Path) -> dict[str, bytes]:
    """Every file that the export made, by its place below the target."""
    write_export(with_options(name), source, target)
    return tree(target)


def tree(target: Path) -> dict[str, bytes]:
    files = [target] if target.is_file() else [path for path in target.rglob("*") if path.is_file()]
    return {str(path.relative_to(target)): path.read_bytes() for path in files}


@every_format
def test_it_says_what_it_is_and_what_it_cannot_carry(name):
    made = registry.load("exporters", name)
    assert made.name == name
    assert made.target in ("file", "folder")
    assert "/" in made.media_type
    assert made.suffix.startswith(".") or made.target == "folder"
    assert isinstance(made.cannot_carry, tuple)
    assert all(made.cannot_carry)


@every_format
def test_the_same_rows_give_the_same_bytes(name, store, tmp_path):
    first = exported(name, ExportSource(store), tmp_path / "first")
    assert first == exported(name, ExportSource(store), tmp_path / "second")
    again = everything(tmp_path)
    try:
        assert first == exported(name, ExportSource(again), tmp_path / "third"), "filled at another time"
    finally:
        again.close()
    assert any(first.values())


@every_format
def test_it_writes_only_below_its_target(name, tmp_path):
    store = open_store(str(tmp_path / "s.db"))
    for number, hostile in enumerate(("../../evil.jpg", "..\\evil.jpg", "/etc/evil.jpg", "CON.jpg", "a\nb.jpg")):
        rows = [made for label in HOSTILE for made in of_frames(0, label)]
        fill(store, identity(str(number), hostile), "objects", rows, media(frames=1))
    before = set(tmp_path.iterdir())
    target = tmp_path / "deep" / "er"
    target.parent.mkdir()
    written = exported(name, ExportSource(store), target)
    store.close()
    assert {path.name for path in set(tmp_path.iterdir()) - before} <= {"deep", "s.db-wal", "s.db-shm"}
    assert [path.name for path in target.parent.iterdir()] == ["er"]
    assert not [place for place in written if "evil" in place]


def test_an_annotator_cannot_lead_an_export_out_of_its_folder(tmp_path):
    store = open_store(str(tmp_path / "s.db"))
    fill(store, identity(), "../../evil", [box(0)])
    with pytest.raises(ValidationError, match="'\\.\\.'"):
        write_export(make_exporter("json"), ExportSource(store), tmp_path / "out")
    store.close()
    assert tree(tmp_path / "out") == {}


@every_format
def test_an_empty_store_is_an_empty_export(name, tmp_path):
    store = open_store(str(tmp_path / "empty.db"))
    assert write_export(with_options(name), ExportSource(store), tmp_path / "out") == 0
    store.close()
    assert (tmp_path / "out").exists()


class Broken:
    """A store that goes away after three rows of the second video."""

    def __init__(self, store) -> None:
        self._store = store

    def __getattr__(self, wanted):
        return getattr(self._store, wanted)

    def find(self, query):
        left = 3
        for row in self._store.find(query):
            left -= row.video_id == "b" * 64
            if left < 0:
                raise ResourceError("the disk went away")
            yield row


def two_videos(path: Path, label: str):
    store = open_store(str(path))
    for letter in "ab":
        fill(store, identity(letter), "objects", [made for frame in range(5) for made in of_frames(frame, label)])
    return store


@every_format
def test_a_failed_export_leaves_what_was_there(name, tmp_path):
    """A file as a whole; of a folder the files of each video; a folder that takes one export alone stays."""
    old, new = two_videos(tmp_path / "old.db", "cat"), two_videos(tmp_path / "new.db", "dog")
    expected = exported(name, ExportSource(old), tmp_path / "out")
    whole = exported(name, ExportSource(new), tmp_path / "whole")
    with pytest.raises(ConfigurationError if name == "yolo" else ResourceError):
        write_export(with_options(name), ExportSource(Broken(new)), tmp_path / "out")
    if registry.load("exporters", name).target == "folder" and name != "yolo":
        expected |= {place: content for place, content in whole.items() if place.startswith("a")}
    assert tree(tmp_path / "out") == expected != whole
    with pytest.raises(ResourceError):
        write_export(with_options(name), ExportSource(Broken(new)), tmp_path / "new")
    assert not [place for place in tree(tmp_path / "new") if place.startswith(("b", "data.yaml"))]
    assert not list(tmp_path.rglob(".*")), "nothing is left behind"
    old.close()
    new.close()


@every_format
def test_two_runs_over_the_same_frames_tell_a_thing_once_and_every_row(name, tmp_path):
    """A part, then the whole video; the run of another annotator over a part counts."""
    store = open_store(str(tmp_path / "s.db"))
    rows = [made for frame in (0, 1, 2) for made in of_frames(frame)]
    part = TimeRange(0.0, 0.1)
    for changes, own in (({"time_range": part}, rows[:8]), ({}, rows)):
        fill(store, identity(), "objects", own, media(frames=3), **changes)
    fill(store, identity(), "others", [track_box(2, "other", "dog")], time_range=part)
    fill(store, identity(), "objects", [], status=RunStatus.FAILED, options={"another": 1})
    counts = {"coco": 4, "coco-tracks": 4, "cvat": 4, "mot": 4, "yolo": 4, "textgrid": 6, "tsv": 10}
    counts |= dict.fromkeys(("ctm", "rttm", "srt", "webvtt"), 3)
    assert write_export(with_options(name), ExportSource(store), tmp_path / "out") == counts.get(name, 21)
    few = Query(types=("word" if name == "srt" else WANTED.get(name, "detection"),), limit=2)
    assert write_export(with_options(name), ExportSource(store, few), tmp_path / "few") == 2
    store.close()


@every_format
def test_counts_and_limits(name, store, tmp_path):
    boxes = Query(types=(WANTED.get(name, "detection"),))
    assert write_export(with_options(name), ExportSource(store, boxes), tmp_path / "all") == store.count(boxes)
    limited = dataclasses.replace(boxes, limit=20)
    assert write_export(with_options(name), ExportSource(store, limited), tmp_path / "some") == 20


@every_format
def test_text_of_any_kind_gets_through(name, store, tmp_path):
    # a format without room for captions carries the labels
    content = b"".join(exported(name, ExportSource(store), tmp_path / "out").values())
    if name == "parquet":
        import pyarrow.parquet

        content = str(pyarrow.parquet.read_table(tmp_path / "out").to_pydict()).encode()
    if name == "cvat":
        content = "".join(ElementTree.fromstring(content.split(b"</annotations>")[0] + b"</annotations>").itertext())
        content = content.encode()
    if name in UNDO:
        content = UNDO[name](content.decode()).encode()
    for text in (HUGE, "Zebra \U0001f993", "שלום", "<script>alert(1)</script>"):
        assert text.encode() in content


# -- memory


def peak(name: str, count: int, folder: Path) -> int:
    """Most bytes that Python held while ``count`` rows were exported."""
    return peak_of(with_options(name), count, folder, ENDLESS.get(name))


def peak_of(exporter, count: int, folder: Path, made: Annotation | None = None) -> int:
    folder.mkdir()
    with (folder / "file").open("wb") as file:
        out = LocalFolder(folder) if exporter.target == "folder" else file
        tracemalloc.start()
        try:
            assert exporter.write(ExportSource(Endless(count, made)), out) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@every_format
def test_memory_does_not_grow_with_the_rows(name, tmp_path):
    peak(name, 10, tmp_path / "warm")
    assert peak(name, 4_000, tmp_path / "out") < MEMORY_BYTES


class ManyTracks(Endless):
    """A hundred boxes in each video, each of a track of its own, which a row of its own tells of."""

    def find(self, query):
        for number, row in enumerate(super().find(query)):
            video, place = divmod(number, 100)
            frame, track_id = place // 4, f"track {number}"
            more = {"video_id": f"{video:064x}", "start_us": frame * 40_000, "end_us": frame * 40_000 + 40_000}
            made = dataclasses.replace(track_box(frame, track_id), span=span(frame))
            for annotation in (track(frame, frame, track_id), made):
                yield dataclasses.replace(row, annotation=annotation, **more)

    def video(self, video_id):
        return dataclasses.replace(super().video(video_id), identity=identity(video_id[-1], f"{video_id}.mp4"))

    def runs(self, video_id=None, current_only=True):
        (run,) = super().runs()
        return iter([run])


def grown(name: str, folder: Path) -> int:
    """By how many bytes the peak is higher for forty videos than for four."""
    peaks = []
    for count in (100, 400, 4_000):
        out = folder / str(count)
        out.mkdir(parents=True)
        tracemalloc.start()
        try:
            assert with_options(name).write(ExportSource(ManyTracks(count)), LocalFolder(out)) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return peaks[2] - peaks[1]


@pytest.mark.parametrize("name", ["mot", "cvat"])
def test_memory_does_not_grow_with_the_tracks_of_all_videos(name, tmp_path, monkeypatch):
    assert grown(name, tmp_path / "as it is") < MANY_TRACKS_BYTES
    monkeypatch.setattr(Tracks, "forget", lambda self, video_id: None)
    assert grown(name, tmp_path / "negative control") > MANY_TRACKS_BYTES


class Collecting(JsonlExporter):
    """Negative control: keeps all rows before it writes."""

    def write(self, source, out):
        lines = [(made := row_to_dict(row), canonical_json(made)) for row in source.rows()]
        out.writelines(text.encode() for _, text in lines)
        return len(lines)


def test_an_exporter_that_collects_is_noticed(tmp_path):
    assert peak_of(Collecting(), 4_000, tmp_path / "out") > MEMORY_BYTES


@pytest.mark.long
@every_format
def test_memory_with_two_hundred_thousand_rows(name, tmp_path):
    peak(name, 10, tmp_path / "warm")
    reached = peak(name, 200_000, tmp_path / "out") - of_interned_strings()
    assert reached < MEMORY_BYTES, f"{reached / 1e6:.1f} MB"


def of_interned_strings() -> int:
    """Bytes of Python's own table of these, where pathlib puts the parts of each path. After so many it is made anew,
    and how large goes by all that the process interned before: it is nothing that an exporter holds."""
    tracemalloc.start()
    try:
        for number in range(500_000):
            sys.intern(f"a string that nobody keeps, {number}")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# -- options and streams


@every_format
def test_an_unknown_option_is_refused(name):
    with pytest.raises(UnknownNameError, match="option of the exporter"):
        make_exporter(name, {"colour": "red"})


@pytest.mark.parametrize("name", [name for name in NAMES if registry.load("exporters", name).target == "file"])
def test_a_file_can_go_to_a_stream_that_knows_no_place(name, store, tmp_path):
    class Pipe(io.BytesIO):
        def tell(self):
            raise OSError("a pipe has no place")

        seek = seekable = tell

    pipe = Pipe()
    with_options(name).write(ExportSource(store), pipe)
    assert {".": pipe.getvalue()} == exported(name, ExportSource(store), tmp_path / "out")
