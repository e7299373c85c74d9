"""Values of the vocabulary: exact order, half-open spans, invariants on construction."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortexia.errors import ValidationError
from cortexia.types import (
    ANNOTATION_TYPES,
    BBox,
    Caption,
    Detection,
    Measure,
    RunSpec,
    Sampling,
    Shot,
    TimeRange,
    TimeSpan,
    Timestamp,
    Verdict,
    VerdictStatus,
    ViewSpec,
    annotation_from_fields,
    annotation_id,
    canonical_json,
    digest_of,
)

BASES = st.sampled_from([Fraction(1, 1000), Fraction(1, 90_000), Fraction(1001, 30_000), Fraction(1, 12_800)])
STAMPS = st.builds(Timestamp, st.integers(-(10**12), 10**12), BASES)
SPAN = TimeSpan(Timestamp(0, Fraction(1, 25)), Timestamp(5, Fraction(1, 25)))


@given(STAMPS, STAMPS)
def test_order_and_equality_are_exact_across_bases(a, b):
    assert (a < b) == (a.fraction < b.fraction)
    assert (a == b) == (a.fraction == b.fraction)
    if a == b:
        assert hash(a) == hash(b)


@given(STAMPS, st.fractions(min_value=-10, max_value=0))
def test_microseconds_are_within_half_of_the_exact_time(stamp, origin):
    assert abs(stamp.micros(origin) - (stamp.fraction - origin) * 1_000_000) <= Fraction(1, 2)


def test_what_two_boxes_share():
    box, right, far = BBox(0, 0, 10, 10), BBox(5, 0, 15, 10), BBox(20, 20, 30, 30)
    assert (box.area, box.corners) == (100.0, (0, 0, 10, 10))
    assert (box.shared_area(right), box.shared_area(far)) == (50.0, 0.0)
    assert (box.overlap(box), box.overlap(right), box.overlap(far)) == (1.0, pytest.approx(1 / 3), 0.0)
    assert (BBox(0, 0, 5, 10).share_in(box), box.share_in(BBox(0, 0, 5, 10))) == (1.0, 0.5)


def test_boxes_without_an_area_share_nothing():
    point = BBox(1, 1, 1, 1)
    assert point.overlap(point) == point.share_in(BBox(0, 0, 9, 9)) == BBox(0, 0, 9, 9).overlap(point) == 0.0


def test_equal_times_of_different_bases_are_one():
    assert Timestamp(1, Fraction(1, 2)) == Timestamp(500, Fraction(1, 1000))
    assert Timestamp(1, Fraction(1, 2)) != Timestamp(501, Fraction(1, 1000))
    assert (Timestamp(1, Fraction(1)) == "1") is False
    assert Timestamp(3, Fraction(1, 2)).seconds == 1.5


def test_a_span_is_half_open():
    assert SPAN.contains(SPAN.start)
    assert not SPAN.contains(SPAN.end)
    after = TimeSpan(SPAN.end, Timestamp(9, Fraction(1, 25)))
    assert not SPAN.overlaps(after)
    assert SPAN.overlaps(TimeSpan(Timestamp(4, Fraction(1, 25)), SPAN.end))
    assert SPAN.duration_s == 0.2


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Timestamp(0, Fraction(0)),
        lambda: TimeSpan(SPAN.end, SPAN.start),
        lambda: TimeRange(-1.0, None),
        lambda: TimeRange(float("nan"), None),
        lambda: TimeRange(3.0, 3.0),
        lambda: BBox(0, 0, float("inf"), 1),
        lambda: BBox(5, 0, 4, 1),
        lambda: Detection(span=SPAN, label="x"),
        lambda: Detection(span=SPAN, label="x", frame_index=-1, bbox=BBox(0, 0, 1, 1)),
        lambda: Caption(span=SPAN, text="x", confidence=1.01),
        lambda: Caption(span=SPAN, text="x", confidence=float("nan")),
        lambda: Caption(span=SPAN, text="x", label="y" * 257),
        lambda: Caption(span=SPAN, text="x", attributes={"a": {"b": [float("inf")]}}),
        lambda: Caption(span=SPAN, text="x", attributes={"a": object()}),
        lambda: Shot(span=SPAN, first_frame=4, last_frame=3),
        lambda: Measure(span=SPAN),
        lambda: Measure(span=SPAN, values={"a": 1.0}, reason="both"),
        lambda: Measure(span=SPAN, values={"a": float("nan")}),
        lambda: ViewSpec(size=(1, 1), bound=3),
        lambda: Sampling.each_nth(0),
        lambda: Sampling.at_rate(0),
        lambda: annotation_from_fields("nothing", {}, span=SPAN),
        lambda: annotation_from_fields("shot", {"first_frame": 1}, span=SPAN),
    ],
)
def test_what_breaks_an_invariant_is_refused(wrong):
    with pytest.raises(ValidationError):
        wrong()


def test_boxes_know_both_forms():
    box = BBox.from_xywh(1, 2, 3, 4)
    assert (box.x2, box.y2) == (4, 6)
    assert box.xywh == (1, 2, 3, 4)


def test_a_shot_survives_its_fields():
    shot = Shot(span=SPAN, first_frame=0, last_frame=4, attributes={"note": "x"})
    assert annotation_from_fields("shot", shot.data(), span=SPAN) == shot


def test_types_have_names_of_their_own():
    assert all(kind.type == name for name, kind in ANNOTATION_TYPES.items())
    assert ANNOTATION_TYPES["shot"].stored_type == "scene_detection"


@pytest.mark.parametrize(
    ("view", "size", "expected"),
    [
        (ViewSpec(), (640, 360), (640, 360)),
        (ViewSpec(size=(0, 0)), (640, 360), (640, 360)),
        (ViewSpec(size=(64, 36)), (640, 360), (64, 36)),
        (ViewSpec(size=(64, 0)), (640, 360), (64, 36)),
        (ViewSpec(size=(0, 36)), (640, 360), (64, 36)),
        (ViewSpec(size=(0, 10)), (2, 8192), (1, 10)),
        (ViewSpec(bound=320), (640, 360), (320, 180)),
        (ViewSpec(bound=320), (100, 50), (100, 50)),
        (ViewSpec(bound=64), (8192, 2), (64, 1)),
    ],
)
def test_views_fit_and_never_vanish(view, size, expected):
    assert view.fit(*size) == expected


def test_sampling_by_rate_takes_the_frame_on_screen_at_each_tick():
    sampling = Sampling.at_rate(2)
    frames = [(Fraction(i, 10), Fraction(i + 1, 10)) for i in range(20)]
    wanted = [i for i, (start, end) in enumerate(frames) if sampling.wants(i, start, end, False)]
    assert wanted == [0, 5, 10, 15]
    assert sampling.wants(0, Fraction(1, 3), Fraction(90), False), "one long frame covers many ticks and comes once"


def test_other_samplings():
    assert [i for i in range(10) if Sampling.each_nth(4).wants(i, Fraction(0), Fraction(1), False)] == [0, 4, 8]
    assert Sampling.each_nth(1) == Sampling.every()
    assert Sampling.keyframes().wants(3, Fraction(0), Fraction(1), True)
    assert not Sampling.keyframes().wants(3, Fraction(0), Fraction(1), False)
    assert Sampling.at_rate(2).describe() == {"kind": "rate", "nth": 1, "per_second": "2"}


def test_a_run_is_what_makes_its_rows():
    spec = RunSpec("v" * 64, "shots", "1", {"a": 1, "b": 2})
    same = RunSpec("v" * 64, "shots", "1", {"b": 2, "a": 1})
    assert spec.run_key == same.run_key
    assert spec.run_id == same.run_id
    others = [
        RunSpec("w" * 64, "shots", "1", {"a": 1, "b": 2}),
        RunSpec("v" * 64, "frames", "1", {"a": 1, "b": 2}),
        RunSpec("v" * 64, "shots", "2", {"a": 1, "b": 2}),
        RunSpec("v" * 64, "shots", "1", {"a": 1, "b": 3}),
        RunSpec("v" * 64, "shots", "1", {"a": 1, "b": 2}, weights_sha256="x"),
        RunSpec("v" * 64, "shots", "1", {"a": 1, "b": 2}, time_range=TimeRange(1.0)),
        RunSpec("v" * 64, "shots", "1", {"a": 1, "b": 2}, upstream=("k",)),
        RunSpec("v" * 64, "shots", "1", {"a": 1, "b": 2}, tenant="t"),
    ]
    assert len({spec.run_key, *(other.run_key for other in others)}) == len(others) + 1


@pytest.mark.parametrize("upstream", [(), ("b", "a")])
def test_a_run_key_is_the_digest_that_stores_hold(upstream):
    spec = RunSpec('a "video"', "shots", "1", {"fps": 2}, None, TimeRange(1.0, 2.5), upstream)
    parts = ["local", 'a "video"', "shots", "1", spec.options_digest, None, TimeRange(1.0, 2.5).key(), sorted(upstream)]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert spec.run_key == hashlib.sha256(text.encode()).hexdigest()
    assert replace(spec, video_id="", upstream=()).for_video('a "video"', upstream).run_key == spec.run_key


@given(st.text(st.characters(codec="utf-8")), st.integers(), st.integers(0))
def test_ids_are_uuids_of_version_five(run_key, pts, ordinal):
    namespace = uuid.UUID("6b1f0a52-9f0c-5c8e-9d5e-2f2f6f1f7a11")
    assert annotation_id(run_key, "shot", pts, ordinal) == str(uuid.uuid5(namespace, f"{run_key}/shot/{pts}/{ordinal}"))


def test_ids_are_deterministic_and_apart():
    ids = {annotation_id("k", kind, pts, n) for kind in "ab" for pts in (0, 1) for n in (0, 1)}
    assert len(ids) == 8
    assert annotation_id("k", "a", 0, 0) in ids


def test_canonical_json_has_one_form_and_no_nan():
    assert canonical_json({"b": 1.0, "a": "é"}) == '{"a":"é","b":1.0}'
    assert digest_of([1]) == digest_of([1])
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))


def test_ranges_are_exact_and_open_where_nothing_is_said():
    span = TimeRange(0.1, 0.3)
    assert (span.start, span.end) == (Fraction(1, 10), Fraction(3, 10))
    assert not span.is_whole
    assert TimeRange().is_whole
    assert TimeRange().end is None
    assert {TimeRange(1.0).key(), TimeRange(None, 1.0).key(), TimeRange().key()} == {"1.0:", ":1.0", ":"}


def test_verdicts_merge_to_what_both_passes_saw():
    full = Verdict(VerdictStatus.OK, frames_decoded=100)
    sparse = Verdict(VerdictStatus.OK, frames_decoded=10)
    damaged = Verdict(VerdictStatus.PARTIAL, "corrupt_frames", frames_decoded=5)
    assert full.merged(sparse) is full
    assert sparse.merged(full) is full
    assert full.merged(damaged) is damaged
    assert damaged.merged(full) is damaged
    assert Verdict.from_dict(damaged.as_dict()) == damaged
