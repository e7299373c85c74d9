"""Identities across videos: the same on every store, and names that stay with the human being."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import defaultdict

import pytest
from crowd import Shown, faces, persons, store_rows, video_id, who

from cortexia.errors import ConfigurationError, StoreBusyError, UnknownNameError
from cortexia.maintenance.check import CheckOptions, check
from cortexia.people.gather import IDENTITIES, NOTES
from cortexia.stores.base import StorageBackend
from cortexia.stores.by_hand import KeepsByHand
from cortexia.types import JobState, Query

ADA, BOB, EVE = 1, 2, 3
CAST = {1: (ADA, BOB), 2: (BOB, EVE), 3: (ADA, EVE), 4: (EVE, BOB, ADA), 5: (ADA,)}
"""Who is in which video, by number."""


def fill(store: StorageBackend, cast=CAST, **more) -> None:
    for number, seen in cast.items():
        store_rows(store, number, "face_groups", faces(number, [Shown(one) for one in seen], **more))


def rows_of(store):
    return [(row.video_id, row.annotation) for row in store.find(Query(types=("identity",)))]


def truth(store) -> dict[str, set[int]]:
    """Human beings by label: one each, where all is well."""
    found = defaultdict(set)
    for _, row in rows_of(store):
        found[row.label].add(who(row))
    return dict(found)


def label_of(store, human: int) -> str:
    (label,) = {row.label for _, row in rows_of(store) if who(row) == human}
    return label


def face_of(store, human: int, number: int) -> str:
    (name,) = {row.face_id for video, row in rows_of(store) if who(row) == human and video == video_id(number)}
    return name


# -- who is who


def test_three_people_in_five_videos(store, desk_of):
    fill(store)
    people = desk_of(store).refresh().directory.people
    assert [(one.label, one.videos, len(one.appearances), one.seconds) for one in people] == [
        ("Person A", 4, 4, 16.0),
        ("Person B", 3, 3, 12.0),
        ("Person C", 3, 3, 12.0),
    ]
    assert truth(store) == {"Person A": {ADA}, "Person B": {BOB}, "Person C": {EVE}}


def test_the_same_key_is_nothing_to_do(store, desk_of):
    fill(store)
    desk = desk_of(store)
    first = desk.refresh()
    runs = {run.run_id for run in store.runs(current_only=False)}
    again = desk.refresh()
    assert (first.is_new, again.is_new) == (True, False)
    assert [one.label for one in again.directory.people] == [one.label for one in first.directory.people]
    assert {run.run_id for run in store.runs(current_only=False)} == runs
    store_rows(store, 6, "face_groups", faces(6, [Shown(ADA)]))
    assert desk.refresh().is_new, "another run is another key"


def test_rows_that_went_missing_are_made_again(sqlite, desk_of):
    fill(sqlite)
    desk_of(sqlite).refresh()
    before = rows_of(sqlite)
    for run in list(sqlite.runs(video_id(3))):
        if run.spec.annotator == IDENTITIES:
            sqlite.save_annotations(next(iter(sqlite.jobs(video_id(3)))).job_id, IDENTITIES, [])
    assert rows_of(sqlite) != before
    assert desk_of(sqlite).refresh().is_new
    assert rows_of(sqlite) == before


def test_who_is_seen_at_once_is_never_one(sqlite, desk_of):
    """Twins: their faces are as alike as can be, but one video shows both at once."""
    rows = [faces(number, [Shown(ADA)]) for number in (1, 2)]
    for number, own in enumerate(rows, 1):
        store_rows(sqlite, number, "face_groups", own)
    assert len(desk_of(sqlite).refresh().directory.people) == 1
    store_rows(sqlite, 3, "face_groups", faces(3, [Shown(ADA), Shown(ADA)]), twins=True)
    assert len(desk_of(sqlite).refresh().directory.people) == 2


def test_vectors_of_another_model_are_not_compared(sqlite, desk_of):
    fill(sqlite, {1: (ADA,), 2: (ADA,)})
    fill(sqlite, {3: (ADA,)}, model="another")
    assert [one.videos for one in desk_of(sqlite).refresh().directory.people] == [2, 1]


# -- names


def test_a_name_is_found_in_every_video(store, desk_of):
    fill(store)
    desk = desk_of(store)
    desk.refresh()
    named = desk.name(label_of(store, ADA).lower(), "  Ada   Lovelace ")
    assert (named.label, named.is_named, named.videos) == ("Ada Lovelace", True, 4)
    found = list(store.find(Query(types=("identity",), labels=("Ada Lovelace",))))
    assert {row.video_id for row in found} == {video_id(number) for number in (1, 3, 4, 5)}
    assert {who(row.annotation) for row in found} == {ADA}


def test_names_survive_a_run_that_numbers_everything_anew(store, desk_of):
    fill(store)
    desk = desk_of(store)
    desk.refresh()
    desk.name(label_of(store, ADA), "Ada")
    (before,) = [row for video, row in rows_of(store) if who(row) == ADA and video == video_id(4)]
    for number, seen in CAST.items():
        shown = [Shown(one) for one in reversed(seen)]
        store_rows(store, number, "face_groups", faces(number, shown), buffer_s=9.0)
    desk.refresh()
    assert truth(store)["Ada"] == {ADA}
    assert truth(store) == {"Ada": {ADA}, "Person B": {BOB}, "Person C": {EVE}}, "and nobody else's label moves"
    (same_id,) = [row for _, row in rows_of(store) if row.face_id == before.face_id]
    assert who(same_id) == EVE, "a name kept by the id alone would be somebody else's now"


def test_names_survive_another_grouping(sqlite, desk_of):
    """Another model, no vectors, and faces cut into other tracks."""
    fill(sqlite, {1: (ADA, BOB)})
    desk = desk_of(sqlite)
    desk.refresh()
    desk.name(label_of(sqlite, ADA), "Ada")
    pieces = [Shown(BOB, 0, 4), Shown(ADA, 3, 4), Shown(ADA, 0, 3)]
    store_rows(sqlite, 1, "face_groups", faces(1, pieces, ids=[1, 2, 3], model=None), other=1)
    desk.refresh()
    assert truth(sqlite)["Ada"] == {ADA}
    assert BOB not in truth(sqlite)["Ada"]


def test_new_videos_move_no_label(sqlite, desk_of):
    fill(sqlite)
    desk = desk_of(sqlite)
    desk.refresh()
    before = truth(sqlite)
    # a video that comes later, and whose id is before all others
    store_rows(sqlite, 0, "face_groups", faces(0, [Shown(7), Shown(EVE)]))
    desk.refresh()
    after = truth(sqlite)
    assert {label: after[label] for label in before} == before
    assert after["Person D"] == {7}


def test_a_label_is_never_given_again(sqlite, desk_of):
    fill(sqlite)
    desk = desk_of(sqlite)
    desk.refresh()
    desk.name("Person A", "Ada")
    desk.name("Person C", "Eve")
    store_rows(sqlite, 6, "face_groups", faces(6, [Shown(7)]))
    desk.refresh()
    assert label_of(sqlite, 7) == "Person D"


def test_one_name_is_one_human_being(sqlite, desk_of):
    fill(sqlite, {1: (ADA,), 2: (BOB,)})
    desk = desk_of(sqlite)
    desk.refresh()
    desk.name("Person A", "Ada")
    assert desk.name("Person B", "ada").videos == 2
    assert len(desk.refresh().directory.people) == 1


def test_a_person_can_be_named_anew(sqlite, desk_of):
    fill(sqlite)
    desk = desk_of(sqlite)
    desk.refresh()
    desk.name("Person A", "Adda")
    assert desk.name("adda", "Ada").videos == 4
    assert [one.label for one in desk.refresh().directory.people] == ["Ada", "Person B", "Person C"]


@pytest.mark.parametrize("name", ["", "  ", "Person B", "person_x", "face_1", "a\x1bb", "x" * 300])
def test_a_name_that_could_be_taken_for_something_else_is_refused(sqlite, desk_of, name):
    fill(sqlite)
    with pytest.raises(ConfigurationError):
        desk_of(sqlite).name("Person A", name)
    assert list(sqlite.find(Query(types=("person_note",)))) == []


def test_who_is_not_known_or_not_clear_is_told_with_candidates(sqlite, desk_of):
    fill(sqlite)
    desk = desk_of(sqlite)
    with pytest.raises(UnknownNameError, match="Person A, Person B, Person C"):
        desk.name("Mallory", "Ada")
    with pytest.raises(ConfigurationError, match="fits 3 people: Person A, Person B, Person C"):
        desk.name("person", "Ada")


# -- merge and split


def test_merged_people_are_one_and_stay_it(store, desk_of):
    fill(store)
    desk = desk_of(store)
    desk.refresh()
    desk.name("Person B", "Bob")
    merged = desk.merge(["Person A", "bob"])
    assert (merged.label, merged.videos) == ("Bob", 5)
    fill_again = {number: tuple(reversed(seen)) for number, seen in CAST.items()}
    for number, seen in fill_again.items():
        store_rows(store, number, "face_groups", faces(number, [Shown(one) for one in seen]), again=1)
    desk.refresh()
    assert truth(store) == {"Bob": {ADA, BOB}, "Person C": {EVE}}


def test_a_merge_needs_two(sqlite, desk_of):
    fill(sqlite)
    with pytest.raises(ConfigurationError, match="two people"):
        desk_of(sqlite).merge(["Person A", "person a"])


def test_what_was_split_off_stays_off(store, desk_of):
    fill(store)
    desk = desk_of(store)
    desk.refresh()
    desk.name("Person A", "Ada")
    out = face_of(store, ADA, 4)
    rest, other = desk.split("Ada", [out])
    assert (rest.label, rest.videos) == ("Ada", 3)
    assert (other.label, other.videos) == ("Person D", 1)
    store_rows(store, 4, "face_groups", faces(4, [Shown(ADA), Shown(BOB), Shown(EVE)]), again=1)
    desk.refresh()
    assert {video for video, row in rows_of(store) if row.label == "Ada"} == {video_id(n) for n in (1, 3, 5)}


def test_a_name_does_not_go_with_the_member_it_was_pinned_to(sqlite, desk_of):
    fill(sqlite)
    desk = desk_of(sqlite)
    desk.refresh()
    desk.name("Person A", "Ada")
    (pinned,) = [row.face_id for _, row in rows_of(sqlite) if row.is_stated]
    rest, other = desk.split("Ada", [pinned])
    assert (rest.label, rest.videos, other.is_named) == ("Ada", 3, False)


def test_a_split_can_be_taken_back(sqlite, desk_of):
    fill(sqlite)
    desk = desk_of(sqlite)
    desk.refresh()
    rest, other = desk.split("Person A", [face_of(sqlite, ADA, 4)])
    assert (rest.videos, other.videos) == (3, 1)
    assert desk.merge([rest.label, other.label]).videos == 4


def test_nobody_is_split_to_nothing(sqlite, desk_of):
    fill(sqlite)
    desk = desk_of(sqlite)
    desk.refresh()
    every = [face_of(sqlite, ADA, number) for number in (1, 3, 4, 5)]
    with pytest.raises(ConfigurationError, match="nobody would be left"):
        desk.split("Person A", every)
    with pytest.raises(ConfigurationError, match="is no face of 'Person A'"):
        desk.split("Person A", [face_of(sqlite, EVE, 4)])


# -- enrolment


def test_a_picture_tells_who_somebody_is(store, desk_of):
    fill(store)
    store_rows(store, 9, "face_groups", faces(9, [Shown(ADA, 0, 1)]), frames=1)
    person, chosen = desk_of(store).enroll("Ada", [video_id(9)])
    assert (person.label, person.videos) == ("Ada", 5)
    assert [(one.filename, one.faces) for one in chosen] == [("9.mp4", 1)]
    assert truth(store)["Ada"] == {ADA}


def test_enrolment_needs_a_picture_a_face_and_a_vector(sqlite, desk_of):
    store_rows(sqlite, 1, "face_groups", faces(1, [Shown(ADA)]))
    store_rows(sqlite, 2, "face_groups", [], frames=1)
    store_rows(sqlite, 3, "face_groups", faces(3, [Shown(ADA, 0, 1)], model=None), frames=1)
    desk = desk_of(sqlite)
    for number, said in ((1, "is no picture but 100 frames"), (2, "no face was found"), (3, "models pull sface")):
        with pytest.raises(ConfigurationError, match=said):
            desk.enroll("Ada", [video_id(number)])
    assert list(sqlite.find(Query(annotators=(NOTES,)))) == []


# -- without vectors


def people_only(store, ids=None, **options) -> None:
    shown = [Shown(ADA), Shown(BOB)]
    people, boxes = persons(1, shown, ids)
    store_rows(store, 1, "tracks", boxes, **options)
    store_rows(store, 1, "people", people, **options)


def test_people_without_faces_are_named_and_keep_it(store, desk_of):
    people_only(store)
    desk = desk_of(store)
    desk.refresh()
    desk.name(f"person_{video_id(1)[:12]}_001", "Ada")
    assert truth(store) == {"Ada": {ADA}, "Person B": {BOB}}
    people_only(store, ids=[2, 1], buffer_s=9.0)
    desk.refresh()
    assert truth(store) == {"Ada": {ADA}, "Person B": {BOB}}
    (second,) = [row for _, row in rows_of(store) if row.person_id.endswith("_002")]
    assert second.label == "Ada", "the id that was hers is his now"


def test_a_body_that_was_named_hands_its_name_to_its_face(sqlite, desk_of):
    people_only(sqlite)
    desk = desk_of(sqlite)
    desk.refresh()
    desk.name(f"person_{video_id(1)[:12]}_002", "Bob")
    store_rows(sqlite, 1, "face_groups", faces(1, [Shown(BOB), Shown(ADA)]))
    desk.refresh()
    assert truth(sqlite)["Bob"] == {BOB}


def linked(number: int, shown: list[Shown], person_ids: list[str]) -> list:
    """Rows of ``face_groups`` whose faces are of these persons."""
    rows = faces(number, shown)
    tracks = [dataclasses.replace(row, person_id=name) for row, name in zip(rows[::2], person_ids, strict=True)]
    return [*tracks, *rows[1::2]]


def test_a_face_and_its_body_are_one_appearance(sqlite, desk_of):
    people, _ = persons(1, [Shown(ADA, 0, 6), Shown(BOB)])
    made = store_rows(sqlite, 1, "people", people)
    rows = linked(1, [Shown(ADA, 1, 3)], [people[0].person_id])
    store_rows(sqlite, 1, "face_groups", rows, upstream=(made,))
    (ada, bob) = desk_of(sqlite).refresh().directory.people
    (seen,) = ada.appearances
    assert (seen.row.person_id, seen.row.track_id, seen.row.seconds) == (people[0].person_id, "track_1", 6.0)
    assert (seen.row.face_id is None, list(seen.row.face_tracks)) == (False, ["face_track_001"])
    assert [one.row.face_id for one in bob.appearances] == [None]


def test_a_person_id_of_another_run_links_nobody(sqlite, desk_of):
    """People were followed anew, and faces not yet: the id that Ada had is Bob's now."""
    people, _ = persons(1, [Shown(ADA), Shown(BOB)])
    made = store_rows(sqlite, 1, "people", people)
    rows = linked(1, [Shown(ADA, 1, 3)], [people[0].person_id])
    store_rows(sqlite, 1, "face_groups", rows, upstream=(made,))
    again, _ = persons(1, [Shown(ADA), Shown(BOB)], ids=[2, 1])
    store_rows(sqlite, 1, "people", again, buffer_s=9.0)
    people_now = desk_of(sqlite).refresh().directory.people
    assert len(people_now) == 3
    assert not any(seen.row.face_id and seen.row.person_id for one in people_now for seen in one.appearances)


def test_people_without_vectors_are_joined_by_hand(sqlite, desk_of):
    fill(sqlite, {1: (ADA,), 2: (ADA,)}, model=None)
    desk = desk_of(sqlite)
    assert len(desk.refresh().directory.people) == 2
    assert desk.merge(["Person A", "Person B"]).videos == 2


# -- beside others


def test_a_video_at_work_is_told_and_saved_later(sqlite, desk_of):
    fill(sqlite)
    job_id = next(iter(sqlite.jobs(video_id(2)))).job_id
    claim = sqlite.take_job(job_id, [], "w9", 60.0)
    found = desk_of(sqlite).refresh()
    assert found.busy == ("2.mp4",)
    assert len(found.directory.people) == 3
    with pytest.raises(StoreBusyError):
        desk_of(sqlite).name(face_of_busy(found), "Eve")
    sqlite.release(claim, sqlite.job(job_id).status.COMPLETED, None, None)
    assert desk_of(sqlite).refresh().busy == ()


def face_of_busy(found) -> str:
    return next(
        seen.row.face_id
        for one in found.directory.people
        for seen in one.anchors()
        if all(other.video_id == video_id(2) for other in one.anchors()) and seen.video_id == video_id(2)
    )


def test_an_empty_store_knows_nobody(store, desk_of):
    assert desk_of(store).refresh().directory.people == ()


def test_the_store_stays_sound(store, desk_of):
    fill(store)
    desk = desk_of(store)
    desk.refresh()
    desk.name("Person A", "Ada")
    desk.split("Ada", [face_of(store, ADA, 4)])
    assert check(store, CheckOptions()).problems == ()


# -- all of a statement, or nothing


def people_apart(store, desk) -> None:
    """Ada alone in the first video, Bob alone in the second, with his name."""
    fill(store, {1: (ADA,), 2: (BOB,)})
    desk.refresh()
    desk.name("Person B", "Bob")


def test_a_merge_that_meets_a_busy_video_was_never_said(store, desk_of):
    desk = desk_of(store)
    people_apart(store, desk)
    job_id = next(iter(store.jobs(video_id(2)))).job_id
    claim = store.take_job(job_id, [], "w9", 60.0)
    with pytest.raises(StoreBusyError):
        desk.merge(["Person A", "Bob"])
    store.release(claim, JobState.COMPLETED, None, None)
    desk.refresh()
    assert truth(store) == {"Person A": {ADA}, "Bob": {BOB}}
    assert desk.merge(["Person A", "Bob"]).videos == 2, "and can be said again"


def test_a_busy_first_video_hinders_a_merge_as_well(sqlite, desk_of):
    desk = desk_of(sqlite)
    people_apart(sqlite, desk)
    claim = sqlite.take_job(next(iter(sqlite.jobs(video_id(1)))).job_id, [], "w9", 60.0)
    with pytest.raises(StoreBusyError):
        desk.merge(["Person A", "Bob"])
    sqlite.release(claim, JobState.COMPLETED, None, None)
    desk.refresh()
    assert truth(sqlite) == {"Person A": {ADA}, "Bob": {BOB}}


class Killed(BaseException):
    """As if the process ended here."""


@pytest.mark.parametrize(("commits", "is_said"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_merge_that_is_killed_holds_whole_or_not_at_all(sqlite, desk_of, monkeypatch, commits, is_said):
    people_apart(sqlite, desk_of(sqlite))
    left = iter(range(commits))
    save = KeepsByHand.save_annotations

    def save_or_die(store, job_id, pipeline, annotations):
        if pipeline == NOTES and next(left, None) is None:
            raise Killed
        return save(store, job_id, pipeline, annotations)

    with monkeypatch.context() as patched:
        patched.setattr(KeepsByHand, "save_annotations", save_or_die)
        with contextlib.suppress(Killed):
            desk_of(sqlite).merge(["Person A", "Bob"])
    desk_of(sqlite).refresh()
    assert truth(sqlite) == ({"Bob": {ADA, BOB}} if is_said else {"Person A": {ADA}, "Bob": {BOB}})


@pytest.mark.parametrize("gone", [1, 2])
def test_a_name_outlives_each_of_the_videos_it_was_said_in(sqlite, desk_of, gone):
    desk = desk_of(sqlite)
    people_apart(sqlite, desk)
    desk.merge(["Person A", "Bob"])
    sqlite.save_annotations(next(iter(sqlite.jobs(video_id(gone)))).job_id, NOTES, [])
    desk.refresh()
    assert truth(sqlite)["Bob"] == {BOB if gone == 1 else ADA}
