"""Which videos a word names, and "not looked yet" told from "none found"."""

from __future__ import annotations

import dataclasses

import pytest
from filled import box, fill, identity, media, shot

from cortexia import lookup
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.stores import open_store
from cortexia.types import Query, RunStatus, TimeRange, Verdict, VerdictStatus, VideoIdentity


@pytest.fixture
def store(tmp_path):
    opened = open_store(str(tmp_path / "s.db"))
    yield opened
    opened.close()


def video(video_id: str, filename: str) -> VideoIdentity:
    return VideoIdentity(video_id.ljust(64, "0"), f"/videos/{video_id}/{filename}", filename, 10)


# -- words for videos


@pytest.fixture
def named(store):
    for one in (video("abcd1", "a.mp4"), video("abcd2", "b.mp4"), video("beef", "b.mp4"), video("cafe", "abcd")):
        store.save_video(one, media())
    return store


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("abcd1".ljust(64, "0"), ["abcd1"]),
        ("abcd2", ["abcd2"]),
        ("ABCD2", ["abcd2"]),
        ("a.mp4", ["abcd1"]),
        ("b.mp4", ["abcd2", "beef"]),
        ("abcd", ["cafe"]),
    ],
)
def test_an_id_its_beginning_or_a_file_name(named, word, found):
    assert [name.rstrip("0") for name in lookup.video_ids(named, [word])] == found


def test_several_words_name_a_video_once(named):
    assert len(lookup.video_ids(named, ["b.mp4", "beef"])) == 2
    assert lookup.video_ids(named, []) == ()


def test_of_many_names_only_the_nearest_are_told(store):
    for number in range(100):
        store.save_video(video(f"{number:04}", f"clip-{number}.mp4"), media())
    with pytest.raises(UnknownNameError, match=r"did you mean 'clip-77\.mp4'") as error:
        lookup.video_ids(store, ["clip-77.mkv"])
    assert len(error.value.known) == 10


@pytest.mark.parametrize("word", ["bee", "c.mp4", "abcdef", "", "*"])
def test_what_names_nothing_is_an_error(named, word):
    with pytest.raises(UnknownNameError, match=r"known: a\.mp4"):
        lookup.video_ids(named, [word])


def test_a_beginning_of_several_ids_is_an_error(store):
    for one in (video("abcd1", "a.mp4"), video("abcd2", "b.mp4")):
        store.save_video(one, media())
    with pytest.raises(ConfigurationError, match="2 video ids"):
        lookup.video_ids(store, ["abcd"])


# -- stored videos


def test_videos_with_what_is_stored_of_them(store):
    fill(store, identity(), "shots", [shot(0, 9), shot(10, 19)])
    fill(store, identity(), "objects", [box(0)], status=RunStatus.FAILED)
    fill(store, identity("b"), "objects", [])
    first, second = lookup.stored_videos(store)
    assert (first.annotators, first.rows) == (("shots",), 2)
    assert (second.annotators, second.rows) == (("objects",), 0)


@pytest.mark.parametrize(
    ("name", "verdict", "found"),
    [
        ("A", None, ["a.mp4", "talk.MKV"]),
        ("a*", None, ["a.mp4"]),
        ("*.mkv", None, ["talk.MKV"]),
        (None, "ok", ["a.mp4"]),
        ("talk", "partial", ["talk.MKV"]),
        ("talk", "ok", []),
        ("[", None, []),
    ],
)
def test_videos_by_name_and_verdict(store, name, verdict, found):
    store.save_video(identity("a", "a.mp4"), media())
    partial = dataclasses.replace(media(), verdict=Verdict(VerdictStatus.PARTIAL, "short"))
    store.save_video(identity("b", "talk.MKV"), partial)
    store.save_video(identity("c", "zero.mp4"))
    assert [made.record.identity.filename for made in lookup.stored_videos(store, name, verdict)] == found


# -- not looked yet


def told(store, **query) -> list[tuple[str, str]]:
    return [(item.record.identity.video_id[0], item.why) for item in lookup.not_looked(store, Query(**query))]


def test_none_found_is_not_not_looked(store):
    fill(store, identity("a"), "shots", [])
    fill(store, identity("b"), "loudness", [])
    assert told(store, types=("shot",)) == [("b", "not looked at yet")]
    assert told(store, types=("shot",), video_ids=("a" * 64,)) == []
    assert told(store, annotators=("objects",)) == [("a", "not looked at yet"), ("b", "not looked at yet")]
    assert told(store) == []


def test_a_video_without_any_run_was_not_looked_at(store):
    store.save_video(identity(), media())
    assert told(store) == [("a", "not looked at yet")]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (RunStatus.FAILED, "shots failed (why)"),
        (RunStatus.SKIPPED, "shots skipped (why)"),
        (RunStatus.RUNNING, "shots has not finished"),
    ],
)
def test_runs_that_did_not_complete_are_named(store, status, why):
    fill(store, identity(), "shots", [], status=status)
    assert told(store, types=("shot",)) == [("a", why)]


def test_a_query_that_may_mean_any_annotator_hears_of_failed_runs(store):
    fill(store, identity("a"), "shots", [shot(0, 9)])
    fill(store, identity("a"), "objects", [], status=RunStatus.FAILED)
    fill(store, identity("b"), "shots", [])
    assert told(store, labels=("walrus",)) == [("a", "objects failed (why)")]
    assert told(store) == [], "there are rows"
    assert next(lookup.not_looked(store, Query(labels=("walrus",)))).annotators == ("objects",)


def test_a_part_is_not_the_whole(store):
    fill(store, identity(), "shots", [], time_range=TimeRange(1.0, 3.0))
    assert told(store, types=("shot",)) == [("a", "shots looked only from 1 s up to 3 s")]
    assert told(store, types=("shot",), start_s=1.0, end_s=2.5) == []
    assert told(store, types=("shot",), start_s=0.5, end_s=2.5) != []
    assert told(store, types=("shot",), start_s=2.0) != []


def test_a_range_that_goes_beyond_the_end_is_the_whole(store):
    fill(store, identity(), "shots", [], time_range=TimeRange(None, 4.0))
    assert media().duration_s == 4.0
    assert told(store, types=("shot",)) == []


def test_rows_of_an_annotator_that_is_not_installed_count(store):
    fill(store, identity(), "departed", [shot(0, 9)])
    assert told(store, types=("shot",)) == []
    assert told(store, types=("shot",), labels=("none",)) == [("a", "not looked at yet")]


def test_a_type_that_does_not_exist_is_an_error():
    with pytest.raises(UnknownNameError, match="did you mean 'detection'"):
        lookup.require_types(("detections",))
