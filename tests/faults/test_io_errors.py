"""A full or failing disk at any write or sync: an error, nothing acknowledged lost, and the next run makes it whole."""

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


@pytest.mark.timeout(300)
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_failing_disk_at_a_few_points(sweepers, pristine, trace, truth, error):
    check(sweepers, pristine, trace, truth, error, 16)


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_failing_disk_at_every_point(sweepers, pristine, trace, truth, error):
    check(sweepers, pristine, trace, truth, error, 10_000)
