"""Lists of videos: what a row names is read, what is wrong with one is said, and the rest goes on."""

from __future__ import annotations

import hashlib
import os
import sys

import pytest
from archiving import zip_of
from serving import LOCAL, Ranged, serving

from cortexia.buckets import ObjectAccess
from cortexia.errors import RejectedInput
from cortexia.sources import InputAdapter, ManifestInputStream, MediaCache, RemoteAccess, identify

BODY = b"\0video"
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def folder(tmp_path):
    for name in ("a.mp4", "sub/b.mp4", "sub/c.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(BODY)
    return tmp_path


def read(path, text, access=None):
    """File names, or what is wrong, in order."""
    path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
    with InputAdapter.adapt(str(path), access=access) as stream:
        assert isinstance(stream, ManifestInputStream)
        return [f"{one.reason}: {one}" if isinstance(one, RejectedInput) else one.filename for one in stream]


def test_csv_paths_are_relative_to_the_manifest(folder, monkeypatch):
    monkeypatch.chdir("/")
    text = f"camera,Path,sha256\n1,a.mp4,\n\n2,sub,{SHA}\n3,{folder}/a.mp4,sha256:{SHA.upper()}\n"
    assert read(folder / "list.csv", "\ufeff" + text) == ["a.mp4", "b.mp4", "c.mp4", "a.mp4"]


def test_json_lines_do_the_same(folder):
    text = '{"path": "a.mp4", "camera": 1}\n\n{"uri": "sub/b.mp4", "sha256": null}\n'
    assert read(folder / "list.jsonl", text) == ["a.mp4", "b.mp4"]


def test_wrong_rows_are_told_with_their_line_and_the_rest_goes_on(folder):
    found = read(folder / "l.csv", "path,uri,sha256\na.mp4,x,\n,,z\na.mp4,,nonsense\nmissing.mp4\n1,2,3,4\na.mp4\n")
    assert [one.partition(":")[0] for one in found] == [
        "bad_row",
        "bad_row",
        "bad_row",
        "not_found",
        "bad_row",
        "a.mp4",
    ]
    assert [f"line {line}:" in one for line, one in zip((2, 3, 4, 5, 6), found, strict=False)] == [True] * 5


def test_wrong_lines_of_json_are_told(folder):
    lines = ["{", "[1]", "3", '{"path": 3}', '{"other": "a.mp4"}', "[" * 100_000, '{"path": "a.mp4"}']
    found = read(folder / "l.jsonl", "\n".join(lines))
    assert [one.partition(":")[0] for one in found] == ["bad_row"] * 6 + ["a.mp4"]


@pytest.mark.parametrize("text", ["", "name,size\na.mp4,3\n", "a.mp4\nb.mp4\n"])
def test_what_is_no_manifest_is_rejected(folder, text):
    with pytest.raises(RejectedInput) as caught:
        read(folder / "l.csv", text)
    assert caught.value.reason == "bad_manifest"


@pytest.mark.parametrize(
    "name", ["file:///etc/passwd", "concat:a|b", "rtsp://x/y", "a\0b", "../l.csv", "l.csv", "%03d.mp4"]
)
def test_rows_name_nothing_that_arguments_may_not(folder, name):
    (folder / "l.csv").touch()
    (found,) = read(folder / "l.jsonl", f'{{"path": {name!r}}}'.replace("'", '"').replace("\\x00", "\\u0000"))
    assert found.partition(":")[0] in ("not_an_input", "not_found", "bad_row", "unreadable")


def test_a_stated_digest_of_a_local_file_is_checked(folder):
    (folder / "l.csv").write_text(f"path,sha256\na.mp4,{SHA}\nsub/b.mp4,{'0' * 64}\n")
    right, wrong = InputAdapter.adapt(folder / "l.csv")
    assert identify(right).video_id == SHA
    with pytest.raises(RejectedInput) as caught:
        identify(wrong)
    assert caught.value.reason == "digest_mismatch"


def test_a_stated_digest_of_an_address_is_checked_while_it_comes(folder):
    access = RemoteAccess(MediaCache(folder / "media"), LOCAL, ObjectAccess(LOCAL))
    with serving(Ranged(BODY)) as base:
        text = f"uri,sha256\n{base}/x.mp4,{SHA}\n{base}/y.mp4,{'0' * 64}\n{base}/z.mp4,\n"
        found = read(folder / "l.csv", text, access)
    assert found[0] == "x.mp4"
    assert found[1].startswith("digest_mismatch")
    assert found[2] == "z.mp4"


def test_names_that_are_no_text_are_found(folder):
    name = b"bytes-\xff.mp4"
    (folder / os.fsdecode(name)).write_bytes(BODY)
    assert read(folder / "l.csv", b"path\n" + name + b"\n") == ["bytes-\\xff.mp4"]


def test_a_manifest_inside_a_folder_is_no_manifest(folder):
    """Only one that is named is read: a folder of videos stays a folder of videos."""
    (folder / "sub" / "l.csv").write_text("path\nb.mp4\n")
    stream = InputAdapter.adapt(folder / "sub")
    assert [one.filename for one in stream] == ["b.mp4", "c.mp4"]
    assert [path.name for path in stream.left_out] == ["l.csv"]


def test_a_name_that_no_file_can_have_is_told(folder):
    found = read(folder / "l.csv", f"path\n{'x' * 300}.mp4\nx:{'y' * 5000}\na.mp4\n")
    assert [one.partition(":")[0] for one in found] == ["unreadable", "unreadable", "a.mp4"]
    assert "line 2" in found[0]


def test_text_that_is_no_name_is_told(folder):
    found = read(folder / "l.jsonl", '{"path": "\\ud800.mp4"}\n{"path": "a.mp4"}')
    assert [one.partition(":")[0] for one in found] == ["not_an_input", "a.mp4"]


def test_a_stated_digest_of_an_archive_is_that_of_the_archive(folder):
    right = hashlib.sha256(zip_of(folder / "a.zip", {"x.mp4": BODY, "y.mp4": BODY + b"y"}).read_bytes()).hexdigest()
    (folder / "l.csv").write_text(f"path,sha256\na.zip,{right}\na.zip,{'0' * 64}\na.mp4,\n")
    with InputAdapter.adapt(folder / "l.csv") as stream:
        found = list(stream)
        assert [identify(video).filename for video in found[:2]] == ["x.mp4", "y.mp4"]
    assert (found[2].reason, found[3].filename) == ("digest_mismatch", "a.mp4")
    assert "line 3" in str(found[2])


def test_two_digests_for_one_address_are_none(folder):
    text = f"uri,sha256\nhttps://h.example/x#sha256={SHA},{'0' * 64}\nhttps://127.0.0.1/x#sha256={SHA},{SHA}\n"
    found = read(folder / "l.csv", text)
    assert [one.partition(":")[0] for one in found] == ["not_an_input", "address_refused"]


def test_a_package_that_is_absent_fails_the_rows_that_need_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "rarfile", None)
    (folder / "a.rar").write_bytes(b"Rar!\x1a\x07\x01\x00")
    found = read(folder / "l.csv", "path\na.rar\na.mp4\n")
    assert found[0].startswith("missing_dependency")
    assert "pip install 'cortexia[rar]'" in found[0]
    assert found[1:] == ["a.mp4"]
