"""What is stored already is found out for many videos at once, and needs no job."""

from __future__ import annotations

from cortexia.batch import scan
from cortexia.batch.submission import Order
from cortexia.plan import make_recipes, make_specs, resolve


def test_chunks_are_cut_by_number():
    assert list(scan.chunks(range(5), most=2)) == [[0, 1], [2, 3], [4]]
    assert list(scan.chunks([])) == []


def test_an_item_may_end_its_chunk():
    assert list(scan.chunks(range(5), ends=lambda item: item in (0, 3))) == [[0], [1, 2, 3], [4]]


def test_a_slow_source_is_not_waited_for():
    assert list(scan.chunks(range(3), within_s=0.0)) == [[0], [1], [2]]


def test_specs_of_an_order_are_those_of_a_plan():
    recipes, needs = resolve(make_recipes(["shot_summary", "loudness"], {"loudness": {}}), {})
    order = Order(recipes, needs)
    for video_id in ("a" * 64, "b" * 64):
        assert order.specs(video_id) == make_specs(video_id, recipes, needs)
        assert order.run_ids(video_id) == [spec.run_id for spec in make_specs(video_id, recipes, needs).values()]
