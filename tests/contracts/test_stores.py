"""What every store must do alike. A further kind is one more entry in ``kinds``."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from fractions import Fraction

import pytest
from filling import AT_ONCE, BASE, box, claimed, commit, completed, identity, media, part, spec, submitted
from kinds import STORES

from cortexia.errors import DataInconsistencyError, FenceLostError, ValidationError
from cortexia.stores import open_store
from cortexia.stores.base import Cause, Window
from cortexia.types import (
    Anchor,
    Caption,
    JobState,
    QuarantinedAnnotation,
    Query,
    RunStatus,
    TimeSpan,
    Timestamp,
    Verdict,
    VerdictStatus,
    canonical_json,
)


@pytest.fixture(params=sorted(STORES))
def store(request, tmp_path):
    opened = open_store(STORES[request.param](tmp_path), rules=AT_ONCE)
    yield opened
    opened.close()


def starts(rows) -> list[float]:
    return [row.start_us / 1e6 for row in rows]


# -- videos


def test_a_video_comes_back_as_it_was_saved(store):
    store.save_video(identity())
    assert store.video(identity().video_id).media is None
    store.save_video(identity(), media())
    record = store.video(identity().video_id)
    assert record.identity == identity()
    assert record.media == media()
    moved = dataclasses.replace(identity(), uri="/elsewhere/b.mp4", filename="b.mp4")
    store.save_video(moved)
    assert store.video(identity().video_id).identity == moved
    assert store.video(identity().video_id).media == media(), "what a probe learned is kept"
    assert len(list(store.videos())) == 1
    assert store.video("z" * 64) is None


def test_the_verdict_of_a_pass_outlives_another_probe(store):
    claim = claimed(store, spec())
    verdict = Verdict(VerdictStatus.PARTIAL, "corrupt_frames", "damaged", frames_decoded=7)
    anchor = Anchor(1, 2, 3, "0" * 64)
    commit(store, claim, part(spec(), 0, []), verdict=verdict, anchors=(anchor,))
    store.save_video(identity(), media())
    record = store.video(identity().video_id)
    assert record.verdict == verdict
    assert record.anchors == (anchor,)


# -- windows


def test_rows_and_state_come_together(store):
    claim = claimed(store, spec())
    commit(store, claim, part(spec(), 0, [box(0), box(40)]))
    commit(store, claim, part(spec(), 1, [box(1000)], status=RunStatus.COMPLETED))
    run = store.run(spec().run_id)
    assert (run.status, run.windows, run.position, run.annotation_count) == (RunStatus.COMPLETED, 2, 50, 3)
    assert run.state == {"session": {"n": 1}}
    assert run.provenance == {"software": {"cortexia": "0"}}
    rows = list(store.find(Query()))
    assert [row.annotation for row in rows] == [box(0), box(40), box(1000)]
    assert store.count(Query()) == 3


def test_times_are_counted_from_the_origin(store):
    store.save_video(identity(), media(origin=Fraction(-1, 2)))
    store.register_runs([spec()], {})
    claim = store.claim("w", 9.0, store.submit_job(identity(), [spec().run_id], {}))
    commit(store, claim, part(spec(), 0, [box(0)]))
    assert starts(store.find(Query())) == [0.5]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: part(spec(), 1, []),
        lambda: part(spec(annotator="another"), 0, []),
        lambda: dataclasses.replace(part(spec(), 0, []), records=(part(spec(), 0, [box(0)]).records * 2)),
    ],
    ids=["out of order", "of another job", "the same row twice"],
)
def test_a_window_that_does_not_fit_leaves_nothing(store, wrong):
    claim = claimed(store, spec())
    with pytest.raises(DataInconsistencyError):
        commit(store, claim, wrong())
    assert store.count(Query()) == 0
    assert store.run(spec().run_id).windows == 0


def test_one_bad_part_takes_the_whole_window_with_it(store):
    other = spec(annotator="other")
    claim = claimed(store, spec(), other)
    with pytest.raises(DataInconsistencyError):
        commit(store, claim, part(spec(), 0, [box(0)]), part(other, 3, []))
    assert store.count(Query()) == 0


def test_a_window_of_another_video_is_refused(store):
    claim = claimed(store, spec())
    with pytest.raises(DataInconsistencyError), store.transaction(claim) as transaction:
        transaction.save_window(Window("b" * 64, ()))


def test_a_large_state_is_refused(store):
    claim = claimed(store, spec())
    with pytest.raises(ValidationError):
        commit(store, claim, part(spec(), 0, [], state={"x": "y" * 70_000}))


def test_text_with_a_nul_is_refused(store):
    claim = claimed(store, spec())
    bad = Caption(span=box(0).span, text="a\0b")
    with pytest.raises(ValidationError):
        commit(store, claim, part(spec(), 0, [bad]))
    worse = Caption(span=box(0).span, text="fine", label="a\0b")
    with pytest.raises(ValidationError):
        commit(store, claim, part(spec(), 0, [worse]))
    fine = Caption(span=box(0).span, text="\\u0000 is only text", attributes={"list": ["x", {"y": 1}]})
    commit(store, claim, part(spec(), 0, [fine]))


def test_odd_numbers_come_back_as_they_went(store):
    """A number is 1e16 and not 10000000000000000, in rows, options, states and documents alike."""
    odd = {"large": 1e16, "larger": 1.7976931348623157e308, "tiny": 5e-324, "small": -1.5e-7, "whole": 10**30, "n": 2.0}
    odd |= {"text": "1e16 -0.0 \\", "list": [1e22, True, None, {"3e5": 0.1}]}
    run = spec(options=odd)
    claim = claimed(store, run)
    caption = Caption(span=box(0).span, text="-0.0", attributes=odd)
    commit(store, claim, part(run, 0, [caption], state={"session": odd | {"zero": -0.0}}))
    [row] = store.find(Query())
    assert canonical_json(row.annotation.data()) == canonical_json(caption.data())
    stored = store.run(run.run_id)
    assert stored.spec.run_id == run.run_id
    assert canonical_json(dict(stored.state)) == canonical_json({"session": odd | {"zero": -0.0}})


def test_a_negative_zero_is_zero(store):
    claim = claimed(store, spec())
    commit(store, claim, part(spec(), 0, [Caption(span=box(0).span, text="-0.0", attributes={"x": -0.0, "y": -0.05})]))
    [row] = store.find(Query())
    assert canonical_json(dict(row.annotation.attributes)) == '{"x":0.0,"y":-0.05}'
    assert row.annotation.text == "-0.0"


def test_an_ended_run_takes_no_more(store):
    claim = claimed(store, spec())
    commit(store, claim, part(spec(), 0, [], status=RunStatus.COMPLETED))
    with pytest.raises(DataInconsistencyError):
        commit(store, claim, part(spec(), 1, [box(0)]))


# -- the fence


def test_a_worker_that_was_overtaken_cannot_write(store):
    job_id = submitted(store, spec())
    zombie = store.claim("zombie", 0.01, job_id)
    time.sleep(0.05)
    successor = store.claim("successor", 30.0, job_id)
    assert successor.attempt == zombie.attempt + 1
    with pytest.raises(FenceLostError):
        commit(store, zombie, part(spec(), 0, [box(0)]))
    for call in (
        lambda: store.renew(zombie, 9.0),
        lambda: store.release(zombie, JobState.COMPLETED, None, None),
    ):
        with pytest.raises(FenceLostError):
            call()
    commit(store, successor, part(spec(), 0, [box(40)]))
    assert starts(store.find(Query())) == [0.04]


def test_without_the_fence_it_could(store, monkeypatch):
    """Negative control."""
    from cortexia.stores.sql import jobs

    job_id = submitted(store, spec())
    zombie = store.claim("zombie", 0.01, job_id)
    time.sleep(0.05)
    store.claim("successor", 30.0, job_id)
    monkeypatch.setattr(jobs, "update_fenced", lambda *arguments, **values: None)
    commit(store, zombie, part(spec(), 0, [box(0)]))
    assert store.count(Query()) == 1


# -- jobs


def test_submitting_twice_is_one_job(store):
    first = submitted(store, spec())
    assert submitted(store, spec()) == first
    other = spec(annotator="other")
    assert submitted(store, other) != first


def test_one_live_lease_for_a_video(store):
    claim = claimed(store, spec())
    second = submitted(store, spec(annotator="other"))
    assert store.claim("w2", 9.0, second) is None
    assert store.claim("w2", 9.0) is None
    store.release(claim, JobState.COMPLETED, None, None)
    assert store.claim("w2", 9.0).job.job_id == second


def test_jobs_are_taken_in_order(store):
    first = submitted(store, spec("a"), letter="a")
    second = submitted(store, spec("b"), letter="b")
    assert [store.claim("w", 9.0).job.job_id for _ in range(2)] == [first, second]
    assert store.claim("w", 9.0) is None


def test_a_renewed_lease_is_not_taken(store):
    job_id = submitted(store, spec())
    claim = store.claim("w1", 0.2, job_id)
    store.renew(claim, 30.0)
    time.sleep(0.3)
    assert store.claim("w2", 9.0, job_id) is None


def test_three_deaths_that_left_nothing_end_a_job(store):
    job_id = submitted(store, spec())
    for death in range(3):
        assert store.claim(f"w{death}", 30.0, job_id) is not None
        state = store.abandon(job_id, f"w{death}", "it died")
    assert state is JobState.FAILED
    job = store.job(job_id)
    assert job.reason == "quarantined"
    assert job.retry_count == 3
    assert store.claim("w", 9.0, job_id) is None


def test_a_death_after_a_window_does_not_count(store):
    job_id = submitted(store, spec())
    for death in range(5):
        claim = store.claim(f"w{death}", 30.0, job_id)
        commit(store, claim, part(spec(), death, []))
        assert store.abandon(job_id, f"w{death}", "it died") is JobState.QUEUED
    assert store.abandon(job_id, "somebody else", "it died") is JobState.QUEUED


def test_a_job_ends_with_its_reason(store):
    claim = claimed(store, spec())
    with store.transaction(claim) as transaction:
        transaction.finish_job(JobState.FAILED, "rejected", "no pictures")
    job = store.job(claim.job.job_id)
    assert (job.status, job.reason, job.error_message) == (JobState.FAILED, "rejected", "no pictures")
    assert job.completed_at is not None
    assert [run.run_id for run in store.job_runs(job.job_id)] == [spec().run_id]
    assert len(list(store.jobs(identity().video_id))) == 1
    assert store.job("nothing") is None


def test_a_retried_job_waits_again(store):
    claim = claimed(store, spec())
    assert store.set_back(claim, Cause.NETWORK, "no answer") is JobState.RETRYING
    job = store.job(claim.job.job_id)
    assert (job.retry_count, job.reason, job.error_message) == (1, "network", "no answer")
    again = store.claim("w", 9.0)
    with pytest.raises(ValidationError):
        store.release(again, JobState.RUNNING, None, None)


# -- runs


def test_a_newer_run_of_the_same_annotator_supersedes(store):
    old, new = spec(options={"a": 1}), spec(options={"a": 2})
    completed(store, old, [box(0)])
    completed(store, new, [box(40)])
    assert starts(store.find(Query())) == [0.04]
    assert [run.run_id for run in store.runs(identity().video_id)] == [new.run_id]
    assert store.run(old.run_id).status is RunStatus.SUPERSEDED
    store.register_runs([old], {})
    assert starts(store.find(Query())) == [0.0], "asked for again, the old one is current"


def test_what_is_completed_is_told_for_many_videos_at_once(store):
    for letter in "abc":
        completed(store, spec(letter), [box(0)], letter)
    submitted(store, spec("c", "masks"), letter="c")
    submitted(store, spec("d"), letter="d")
    wanted = [identity(letter).video_id for letter in "abcd"]
    assert store.completed(wanted) == {spec("a").run_id, spec("b").run_id}, "c has an unfinished job"
    assert store.completed([*wanted[:1], *(f"{number:064x}" for number in range(2500))]) == {spec("a").run_id}
    assert store.completed([]) == frozenset()


def test_rows_of_a_failed_run_are_not_current_and_go_when_it_starts_afresh(store):
    claim = claimed(store, spec())
    commit(store, claim, part(spec(), 0, [box(0)]))
    commit(store, claim, part(spec(), 1, [], status=RunStatus.FAILED, reason="annotator", message="boom"))
    assert store.count(Query()) == 0
    store.release(claim, JobState.FAILED, "error", "boom")
    again = claimed(store, spec())
    run = store.run(spec().run_id)
    assert (run.status, run.windows, run.state) == (RunStatus.PENDING, 0, None)
    commit(store, again, part(spec(), 0, [box(0)]))
    assert store.count(Query()) == 1


def test_runs_must_be_registered_for_the_video_of_their_job(store):
    store.save_video(identity("a"))
    store.save_video(identity("b"))
    store.register_runs([spec("a")], {})
    with pytest.raises(DataInconsistencyError):
        store.submit_job(identity("b"), [spec("a").run_id], {})


# -- queries


def test_filters(store):
    completed(store, spec("a"), [box(0, "cat", 0.9), box(1000, "dog", 0.4), box(2000, "cat", 0.6)])
    other = spec("b", annotator="others")
    completed(store, other, [box(500, "cat", 0.8)], letter="b")
    everything = list(store.find(Query()))
    assert [(row.video_id[0], row.start_us) for row in everything] == [
        ("a", 0),
        ("a", 1_000_000),
        ("a", 2_000_000),
        ("b", 500_000),
    ]
    assert everything[0].annotator == "boxes"
    assert everything[0].uri == "/videos/a.mp4"
    assert starts(store.find(Query(labels=("dog",)))) == [1.0]
    assert starts(store.find(Query(min_confidence=0.7))) == [0.0, 0.5]
    assert starts(store.find(Query(video_ids=("b" * 64,)))) == [0.5]
    assert starts(store.find(Query(annotators=("others",)))) == [0.5]
    assert starts(store.find(Query(types=("caption",)))) == []
    assert starts(store.find(Query(types=("detection",), start_s=1.02, end_s=2.0))) == [1.0]
    assert starts(store.find(Query(run_ids=(other.run_id,)))) == [0.5]
    assert starts(store.find(Query(limit=2))) == [0.0, 1.0]
    assert store.count(Query(labels=("cat",))) == 3


def test_several_values_of_a_filter_are_alternatives(store):
    caption = Caption(span=box(3000).span, text="a cat", label="cat")
    completed(store, spec("a"), [box(0, "cat"), box(1000, "dog"), box(2000, "cow"), caption])
    assert starts(store.find(Query(labels=("dog", "cow")))) == [1.0, 2.0]
    assert starts(store.find(Query(types=("detection", "caption"), labels=("cat",)))) == [0.0, 3.0]
    assert starts(store.find(Query(types=("caption",)))) == [3.0]
    assert starts(store.find(Query(video_ids=("a" * 64, "b" * 64), limit=1))) == [0.0]


def test_a_time_range_is_half_open_and_takes_what_reaches_into_it(store):
    instant = Caption(span=TimeSpan(Timestamp(500, BASE), Timestamp(500, BASE)), text="now")
    completed(store, spec("a"), [box(0), box(1000), instant])
    assert starts(store.find(Query(start_s=0.039))) == [0.0, 0.5, 1.0], "the box ends at 0.04"
    assert starts(store.find(Query(start_s=0.04))) == [0.5, 1.0], "its end does not belong to it"
    assert starts(store.find(Query(end_s=1.0))) == [0.0, 0.5], "nor does the end of the range"
    assert starts(store.find(Query(start_s=0.5, end_s=0.501))) == [0.5], "an instant lies where it starts"
    assert starts(store.find(Query(start_s=0.501, end_s=1.0))) == []


def test_rows_without_confidence_are_not_above_any(store):
    completed(store, spec("a"), [box(0, confidence=None), box(1000, confidence=0.0)])
    assert starts(store.find(Query(min_confidence=0.0))) == [1.0]


def test_hostile_labels_are_only_values(store):
    hostile = ("' OR 1=1 --", "%", "_", 'cat"; DROP TABLE annotations')
    completed(store, spec("a"), [box(1000 * place, label) for place, label in enumerate(hostile)])
    for place, label in enumerate(hostile):
        assert starts(store.find(Query(labels=(label,)))) == [float(place)]
    assert store.count(Query()) == len(hostile)


def test_emissions_come_in_the_order_in_which_they_were_made(store):
    completed(store, spec(), [box(80), box(0), box(40)])
    assert [row.emitted_at for row in store.emitted(spec().run_id, 0, None)] == [0, 1, 2]
    assert [row.emitted_at for row in store.emitted(spec().run_id, 1, 2)] == [1]


# -- claims among some, and who was at work


def test_a_claim_may_be_kept_to_some_jobs(store):
    first, second, third = (submitted(store, spec(letter), letter=letter) for letter in "abc")
    assert store.claim("w", 9.0, among=[]) is None
    assert store.claim("w", 9.0, among=[third, second]).job.job_id == second, "the oldest of them"
    assert store.claim("w", 9.0, among=[second, "nothing"]) is None
    assert store.claim("w", 9.0).job.job_id == first


def test_two_deaths_with_one_session_at_work_fail_its_run(store):
    job_id = submitted(store, spec(), spec(annotator="other"))
    for death in range(2):
        assert store.claim(f"w{death}", 30.0, job_id) is not None
        store.abandon(job_id, f"w{death}", "it died", "last words", "boxes")
    runs = {run.spec.annotator: (run.status, run.reason) for run in store.job_runs(job_id)}
    assert runs == {"boxes": (RunStatus.FAILED, "poison"), "other": (RunStatus.PENDING, None)}
    assert store.job(job_id).log_tail == "last words"


@pytest.mark.parametrize(("said", "suspects"), [(None, {"boxes": 1}), ("", {}), ("other", {"other": 1})])
def test_whoever_saw_the_death_knows_better_than_the_last_heartbeat(store, said, suspects):
    claim = claimed(store, spec())
    store.renew(claim, 30.0, "boxes")
    store.abandon(claim.job.job_id, claim.worker, "it died", None, said)
    assert store.job(claim.job.job_id).suspects == suspects


# -- batches


def in_batch(store, letter: str, batch_id: str | None, annotator: str = "boxes", priority: int = 0) -> str:
    store.save_video(identity(letter), media())
    wanted = spec(letter, annotator)
    store.register_runs([wanted], {})
    return store.submit_job(identity(letter), [wanted.run_id], {}, batch_id=batch_id, priority=priority)


def test_jobs_of_a_batch_and_in_a_state(store):
    first, second = in_batch(store, "a", "one"), in_batch(store, "b", "one")
    alone, other = in_batch(store, "c", None), in_batch(store, "d", "two")
    store.cancel_job(second)
    assert [job.job_id for job in store.jobs(batch_id="one")] == [first, second]
    assert [job.job_id for job in store.jobs(statuses=(JobState.CANCELLED,))] == [second]
    assert [job.job_id for job in store.jobs(batch_id="one", statuses=(JobState.QUEUED, JobState.RUNNING))] == [first]
    assert [job.job_id for job in store.jobs(identity("d").video_id, "two")] == [other]
    assert list(store.jobs(identity("c").video_id, "two")) == []
    assert [job.job_id for job in store.jobs()] == [first, second, alone, other]


def test_batches_are_counted_in_the_order_in_which_they_began(store):
    in_batch(store, "a", "zebra", priority=3)
    in_batch(store, "b", "ant")
    in_batch(store, "c", None)
    ended = store.claim("w", 9.0, in_batch(store, "d", "zebra"))
    store.release(ended, JobState.FAILED, "error", "it broke")
    zebra, ant = store.batches()
    assert (zebra.batch_id, ant.batch_id) == ("zebra", "ant")
    assert (dict(zebra.counts), zebra.total, zebra.unfinished) == ({"queued": 1, "failed": 1}, 2, 1)
    assert (zebra.priority, ant.priority) == (3, 0)
    assert zebra.started_at is not None
    assert zebra.completed_at is not None
    assert zebra.created_at <= zebra.started_at <= zebra.completed_at
    assert (dict(ant.counts), ant.started_at, ant.completed_at) == ({"queued": 1}, None, None)


def test_an_unfinished_job_goes_over_to_the_batch_that_asks_for_it_last(store):
    job_id = in_batch(store, "a", None)
    assert in_batch(store, "a", "one") == job_id
    claim = store.claim("w", 9.0, job_id)
    assert in_batch(store, "a", "two") == job_id
    assert in_batch(store, "a", None) == job_id, "asked for without a batch it stays where it is"
    assert store.job(job_id).batch_id == "two"
    assert [batch.batch_id for batch in store.batches()] == ["two"]
    assert store.release(claim, JobState.COMPLETED, None, None) is JobState.COMPLETED, "its worker notices nothing"
    assert in_batch(store, "a", "three") != job_id, "an ended one is nobody else's"


def test_the_batch_of_a_job_outlives_the_process(store):
    job_id = in_batch(store, "a", None)
    in_batch(store, "a", "one")
    with contextlib.closing(open_store(store.address)) as again:
        assert again.job(job_id).batch_id == "one"
        assert [batch.total for batch in again.batches()] == [1]


# -- quarantine


def aside(ordinal: int) -> QuarantinedAnnotation:
    content = {"bbox": [1.5, -0.25, 1e16, 2.0], "label": "größe", "data": {"deep": [None, True]}}
    return QuarantinedAnnotation(ordinal, 7, "detection", "box_outside_frame", f"box {ordinal}", content)


def test_what_was_put_aside_is_kept_and_counted_and_is_no_row(store):
    claim = claimed(store, spec())
    commit(store, claim, part(spec(), 0, [box(0)], quarantined=(aside(0), aside(1)), quarantined_count=5))
    commit(store, claim, part(spec(), 1, [], quarantined=(aside(5),), quarantined_count=1))
    assert list(store.quarantined(spec().run_id)) == [aside(0), aside(1), aside(5)]
    assert store.run(spec().run_id).quarantined_count == 6
    assert [row.annotation for row in store.find(Query())] == [box(0)]


def test_what_was_put_aside_comes_and_goes_with_its_window_and_its_run(store):
    claim = claimed(store, spec())
    with pytest.raises(DataInconsistencyError):
        commit(store, claim, part(spec(), 3, [], quarantined=(aside(0),), quarantined_count=1))
    assert list(store.quarantined(spec().run_id)) == []
    failed = {"status": RunStatus.FAILED, "reason": "quarantined"}
    commit(store, claim, part(spec(), 0, [], quarantined=(aside(0),), quarantined_count=1, **failed))
    assert list(store.quarantined(spec().run_id)) == [aside(0)]
    store.release(claim, JobState.FAILED, None, None)
    store.register_runs([spec()], {})
    assert (store.run(spec().run_id).quarantined_count, list(store.quarantined(spec().run_id))) == (0, [])
