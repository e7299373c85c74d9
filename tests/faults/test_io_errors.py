"""R-02: a full or failing disk at any write or sync is an error; nothing acknowledged is lost, and the next run makes
it whole."""

from __future__ import annotations

import pytest
from sweeper import Point, Sweeper, fail_at, side_by_side


def check(sweepers, pristine, trace, truth, error: str, most: int) -> None:
    def fail_and_resume(sweeper: Sweeper, point: Point) -> tuple[str, int, bool]:
        store = sweeper.place(pristine)
        code = sweeper.annotate(store, fail_at(point, error))
        return str(point), code, sweeper.resumed(store) == truth

    results = side_by_side(sweepers, fail_and_resume, trace.points(most))
    assert [point for point, _, is_equal in results if not is_equal] == []
    assert all(code >= 0 for _, code, _ in results), "no signal killed it: an error is an error"
    assert any(code > 0 for _, code, _ in results), "the errors were noticed"


MADE_AGAIN = ("write", "pwrite64", "ftruncate")


@pytest.mark.timeout(300)
def test_a_call_that_is_interrupted_is_made_again(sweepers, pristine, trace, truth):
    """EINTR is nobody's error; but SQLite takes a sync that was interrupted for one that failed."""

    def interrupt(sweeper: Sweeper, point: Point) -> tuple[str, bool]:
        store = sweeper.place(pristine)
        code = sweeper.annotate(store, fail_at(point, "EINTR"))
        is_unharmed = code == 0 or point.call not in MADE_AGAIN
        return str(point), is_unharmed and sweeper.resumed(store) == truth

    results = side_by_side(sweepers, interrupt, trace.points(8))
    assert [point for point, is_equal in results if not is_equal] == []


def check_for_ever(sweepers, pristine, trace, truth, error: str, most: int) -> None:
    def fail_on(sweeper: Sweeper, point: Point) -> tuple[str, int, bool]:
        store = sweeper.place(pristine)
        code = sweeper.annotate(store, fail_at(point, error, for_ever=True))
        return str(point), code, sweeper.resumed(store) == truth

    results = side_by_side(sweepers, fail_on, trace.points(most))
    assert [point for point, _, is_equal in results if not is_equal] == []
    assert all(code >= 0 for _, code, _ in results)
    assert any(code > 0 for _, code, _ in results)


@pytest.mark.timeout(300)
def test_a_disk_that_goes_on_failing_ends_the_run_and_not_what_is_stored(sweepers, pristine, trace, truth):
    check_for_ever(sweepers, pristine, trace, truth, "ENOSPC", 6)


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_disk_that_goes_on_failing_from_any_point_on(sweepers, pristine, trace, truth, error):
    check_for_ever(sweepers, pristine, trace, truth, error, 60)


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_failing_disk_at_every_point(sweepers, pristine, trace, truth, error):
    check(sweepers, pristine, trace, truth, error, 10_000)
