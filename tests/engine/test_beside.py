"""Sparse annotators are given, with each picture, what was said of its very moment."""

from __future__ import annotations

from fractions import Fraction

from harness import Lab
from hypothesis import given
from hypothesis import strategies as st
from recipes import Boxes, Describe, Pictures
from scripted import ScriptedDecoder

from cortexia.engine.beside import Beside
from cortexia.types import Caption, JobState, Query, TimeSpan, Timestamp

BASE = Fraction(1, 10)
SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=30)


def row(start: int, length: int) -> Caption:
    return Caption(span=TimeSpan(Timestamp(start, BASE), Timestamp(start + length, BASE)), text=f"{start}+{length}")


@given(SPANS, st.lists(st.integers(0, 75), max_size=20))
def test_of_each_moment_it_gives_the_rows_that_hold_it(spans, moments):
    rows = [row(*span) for span in sorted(spans)]
    beside = Beside(rows)
    for moment in sorted(moments):
        wanted = tuple(made for made in rows if made.span.start.pts <= moment < made.span.end.pts)
        assert beside.at(Timestamp(moment, BASE)) == wanted


def test_it_reads_no_further_than_the_moment():
    read = []

    def rows():
        for start in range(10):
            read.append(start)
            yield row(start, 1)

    beside = Beside(rows())
    assert [made.text for made in beside.at(Timestamp(3, BASE))] == ["3+1"]
    assert read == [0, 1, 2, 3, 4]


def described(lab: Lab) -> list[list[list[object]]]:
    assert lab.run() is JobState.COMPLETED
    store = lab.store()
    try:
        return [row.annotation.attributes["boxes"] for row in store.find(Query(types=("caption",)))]
    finally:
        store.close()


def test_a_sparse_annotator_sees_the_boxes_of_its_frames(tmp_path):
    recipes = (Boxes(), Pictures(), Describe(sees_boxes=True))
    said = described(Lab(tmp_path, ScriptedDecoder([40] * 60), recipes))
    assert len(said) >= 3
    for boxes in said:
        (index, first), (same, second) = sorted(boxes)
        assert (index == same, first, second) == (True, "a", "b")


def test_what_it_does_not_need_it_is_not_given(tmp_path):
    """Negative control: boxes are stored, and the recipe does not need them."""
    said = described(Lab(tmp_path, ScriptedDecoder([40] * 60), (Boxes(), Pictures(), Describe())))
    assert said
    assert not any(said)
