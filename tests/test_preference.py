"""Of several current runs of one annotator, those that tell nothing twice."""

from __future__ import annotations

import pytest

from cortexia.preference import disowned, preferred
from cortexia.stores.base import RunRecord
from cortexia.types import RunSpec, RunStatus, TimeRange

WHOLE = TimeRange()


def run(
    name: str, time_range: TimeRange = WHOLE, status: RunStatus = RunStatus.COMPLETED, annotator: str = "objects"
) -> RunRecord:
    """``name`` is also when it began."""
    return RunRecord(RunSpec("v", annotator, "1", time_range=time_range), name, status, started_at=name)


def chosen(*runs: RunRecord) -> list[str]:
    return [run.run_id for run in preferred(runs)]


def test_the_whole_video_goes_before_its_parts():
    assert chosen(run("2", TimeRange(0.0, 1.0)), run("1"), run("3", TimeRange(5.0, None))) == ["1"]


def test_parts_that_do_not_overlap_all_count_in_order_of_time():
    later, open_end = TimeRange(1.0, 2.0), TimeRange(2.0, None)
    assert chosen(run("1", open_end), run("2", later), run("3", TimeRange(None, 1.0))) == ["3", "2", "1"]


def test_of_parts_that_overlap_a_completed_one_counts_then_the_latest():
    first, second = TimeRange(0.0, 2.0), TimeRange(1.0, 3.0)
    assert chosen(run("1", first), run("2", second)) == ["2"]
    assert chosen(run("1", first), run("2", second, RunStatus.RUNNING)) == ["1"]


def test_annotators_do_not_stand_in_each_others_way():
    assert chosen(run("1"), run("2", TimeRange(0.0, 1.0), annotator="tracks")) == ["1", "2"]


@pytest.mark.parametrize(
    ("one", "other", "is_so"),
    [
        (WHOLE, WHOLE, True),
        (WHOLE, TimeRange(3.0, 4.0), True),
        (TimeRange(0.0, 1.0), TimeRange(1.0, 2.0), False),
        (TimeRange(0.0, 1.1), TimeRange(1.0, 2.0), True),
        (TimeRange(None, 1.0), TimeRange(2.0, None), False),
    ],
)
def test_ranges_overlap(one, other, is_so):
    assert one.overlaps(other) is other.overlaps(one) is is_so


def made(name: str, annotator: str, *upstream: RunRecord) -> RunRecord:
    spec = RunSpec("v", annotator, "1", {"name": name}, upstream=tuple(one.spec.run_key for one in upstream))
    return RunRecord(spec, spec.run_id, RunStatus.COMPLETED, started_at=name)


def test_what_was_made_from_a_run_that_another_stands_in_for_is_disowned():
    first, later, speakers = made("1", "words"), made("2", "words"), made("1", "speakers")
    both = made("3", "speaker_words", first, speakers)
    assert disowned([first, speakers, both], [first, later, speakers, both]) == frozenset()
    assert disowned([later, speakers, both], [first, later, speakers, both]) == {both.run_id}


def test_what_was_made_from_a_run_that_is_gone_is_disowned_and_from_one_that_was_not_asked_for_is_not():
    first, speakers = made("1", "words"), made("1", "speakers")
    both = made("3", "speaker_words", first, speakers)
    assert disowned([speakers, both], [speakers, both]) == {both.run_id}
    assert disowned([speakers, both], [first, speakers, both]) == frozenset()
