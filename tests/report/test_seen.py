"""Who is there when: people before tracks, stretches as boxes tell them, one name and one colour in page and video."""

from __future__ import annotations

import re

import pytest
from stocking import span, stored

from cortexia.report.axis import Axis
from cortexia.report.gather import gather
from cortexia.report.presence import PRESENT_FOLDED, PRESENT_SHOWN, caption_cards, face_rows, present_lanes, tag_chips
from cortexia.report.seen import tail
from cortexia.report.style import style_of
from cortexia.report.video_page import video_page
from cortexia.sightings import REGIONS, moments
from cortexia.types import BBox, Caption, Classification, Detection, Face, FaceTrack, Person, Query, Track, TrackBox

SIDES = BBox(10, 10, 60, 90)


def track_name(number: str) -> str:
    """As annotators name tracks."""
    return f"t{number:0>4}"


def boxes(track_id: str, *times: int, label: str = "person") -> list[TrackBox]:
    """Boxes of the track of this number at these times (ms)."""
    return [
        TrackBox(
            span=span(at, at + 40),
            label=label,
            confidence=0.5,
            frame_index=at // 40,
            bbox=SIDES,
            track_id=track_name(track_id),
        )
        for at in times
    ]


def person(track_id: str, person_id: str, start: int, end: int) -> Person:
    return Person(
        span=span(start, end), label="person", confidence=0.75, track_id=track_name(track_id), person_id=person_id,
        first_frame=start // 40, last_frame=end // 40 - 1, boxes=3,
    )  # fmt: skip


@pytest.fixture
def facts(full):
    """``facts((annotator, rows), ...)``: what a report knows when these were stored besides; each run is made from the
    one before it."""
    (record,) = full.store().videos()

    def gathered(*runs: tuple[str, list]):
        upstream: tuple[str, ...] = ()
        for annotator, rows in runs:
            upstream = (stored(full.store(), record.identity, annotator, rows, upstream=upstream).run_key,)
        return gather(full.report_data(record.identity.video_id))

    return gathered


def lanes(facts) -> list[tuple[str, str, int]]:
    made = present_lanes(facts, Axis(facts.end), style_of(facts))
    return [(lane.name, lane.note, len(lane.blocks)) for lane in made.shown]


def test_a_person_has_the_stretches_of_all_its_tracks(facts):
    every = range(0, 800, 40)
    tracked = [*boxes("1", *every), *boxes("2", *range(2000, 2400, 40)), *boxes("3", *range(0, 6000, 40), label="car")]
    known = facts(
        ("tracks", sorted(tracked, key=lambda row: row.span.start)),
        ("people", [person("1", "person_ab_001", 0, 800), person("2", "person_ab_001", 2000, 2400)]),
    )
    assert lanes(known) == [
        ("person 001", "1.20 s, 2 stretches, 30 boxes, 0.75", 2),
        ("car #3", "6.00 s, 1 stretch, 150 boxes", 1),
    ]


def test_a_track_that_is_lost_has_two_stretches_and_one_that_is_sampled_has_one(facts):
    known = facts(("tracks", [*boxes("1", 0, 40, 80, 1000, 1040), *boxes("2", *range(0, 5000, 200))]))
    assert {name: blocks for name, _, blocks in lanes(known)} == {"person #1": 2, "person #2": 1}


def test_people_without_stored_boxes_are_there_from_first_to_last(facts):
    known = facts(("people", [person("1", "person_ab_007", 1000, 3000)]))
    assert lanes(known) == [("person 007", "2.00 s, 1 stretch, 3 boxes, 0.75", 1)]


def test_beyond_so_many_they_are_folded_and_then_counted(facts):
    many = [
        Track(span=span(0, 40 * (n + 1)), label="car", track_id=str(n), first_frame=0, last_frame=n, boxes=n + 1)
        for n in range(PRESENT_SHOWN + PRESENT_FOLDED - 1, -1, -1)
    ]
    known = facts(("tracks", many[-140:]))
    made = present_lanes(known, Axis(known.end), style_of(known))
    assert (len(made.shown), len(made.folded), made.note) == (PRESENT_SHOWN, 140 - PRESENT_SHOWN, "")
    assert made.shown[0].name == "car #139"


def test_tracks_take_colours_in_turn_and_all_of_a_person_have_one(facts):
    tracked = [*boxes("10", 0), *boxes("9", 0), *boxes("11", 400)]
    known = facts(
        ("tracks", tracked), ("people", [person("11", "person_ab_001", 400, 440), person("9", "person_ab_001", 0, 40)])
    )
    style = style_of(known)
    shades = {key[1]: style.track_shade(key) for key in known.seen.tracks}
    assert shades == {"t0009": 0, "t0010": 1, "t0011": 0}


def test_a_face_has_the_colour_of_its_person_and_its_own_name(facts):
    face = Face(span=span(0, 40), frame_index=0, bbox=BBox(20, 10, 40, 30), confidence=0.9, track_id="f")
    followed = FaceTrack(
        span=span(0, 40), track_id="f", face_id="face_ab_002", person_id="person_ab_001", first_frame=0, last_frame=0,
        boxes=1,
    )  # fmt: skip
    known = facts(
        ("tracks", boxes("1", 0)), ("people", [person("1", "person_ab_001", 0, 40)]), ("faces", [face, followed])
    )
    (row,) = face_rows(known)
    assert (row.name, row.person, row.boxes) == ("face 002", "person 001", "1")
    style = style_of(known)
    (key,) = known.seen.face_tracks
    assert style.track_shade(key) == style.track_shade(next(iter(known.seen.tracks)))
    assert style.seen.name(key) == "face 002"


def test_what_is_in_no_track_is_called_by_its_label(full):
    (record,) = full.store().videos()
    rows = [
        Detection(span=span(0, 40), label="cup", frame_index=0, bbox=SIDES),
        Face(span=span(0, 40), frame_index=0, bbox=SIDES),
    ]
    stored(full.store(), record.identity, "own", rows)
    data = full.report_data(record.identity.video_id)
    style = style_of(gather(data))
    (first, *_) = moments(row for row in data.rows(*REGIONS) if row.annotator == "own")
    assert [style.name(sighting) for sighting in first.sightings] == ["cup", ""]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("person_0123456789ab_001", "person 001"),
        *(("7", "7"), ("t0007", "7"), ("t0100", "100"), ("t12345", "12345"), ("tea", "tea"), ("t", "t")),
        *(("track_3", "track 3"), ("a_", "a_"), ("_b", "_b")),
    ],
)
def test_ids_are_told_by_what_they_say_within_a_video(name, short):
    assert tail(name) == short


def test_the_legend_names_the_colours_of_labels_that_have_boxes_in_no_track(full):
    """All cars are in a track, some people; a page without any such label has no legend."""
    (record,) = full.store().videos()
    video_id = record.identity.video_id
    seen = {}
    for row in full.store().find(Query(types=("detection",), video_ids=(video_id,))):
        seen.setdefault(row.annotation.label, []).append(row.annotation)
    loose = {label: len(own) for label, own in seen.items() if label != "car"} | {"person": len(seen["person"]) - 1}

    def legend() -> list[str]:
        text = video_page(full.report_data(video_id)).decode()
        own = text.split('<p class="legend">')[1:]
        return re.findall(r"<bdi>([^<]+)</bdi> <span class=\"soft\">([^<]+)<", own[0].split("</p>")[0]) if own else []

    def track(*found: Detection) -> None:
        made = [
            TrackBox(
                **{name: getattr(one, name) for name in ("span", "label", "frame_index", "bbox")}, track_id="t0001"
            )
            for one in sorted(found, key=lambda one: one.frame_index)
        ]
        stored(full.store(), record.identity, "tracks", made, options={"made": len(made)})

    assert len(legend()) == len(seen)
    track(*seen["car"], seen["person"][0])
    assert dict(legend()) == {label: str(amount) for label, amount in loose.items()}
    track(*(one for own in seen.values() for one in own))
    assert legend() == []


# -- captions and tags


def test_captions_stand_with_the_picture_of_their_shot(facts, full):
    said = [
        Caption(span=span(100, 140), text="a hall", attributes={"composed": True}),
        Caption(span=span(200, 240), text="a table"),
        Caption(span=span(2100, 2140), text="the sea"),
        Caption(span=span(2100, 2140), text="a part of it", bbox=SIDES, frame_index=52),
    ]
    cards, note = caption_cards(facts(("captions", said)), full.store().blobs.get)
    assert [card.texts for card in cards] == [(("a hall", True), ("a table", False)), (("the sea", False),)]
    assert all(card.source for card in cards)
    assert note == ""


def test_tags_of_the_longest_time_come_first(facts):
    said = [
        Classification(span=span(0, 40), label="street", confidence=0.5),
        Classification(span=span(0, 4000), label="day", confidence=0.25),
        Classification(span=span(40, 80), label="street", confidence=0.75),
    ]
    chips = tag_chips(facts(("tags", said)))
    assert [(chip.label, chip.note) for chip in chips] == [
        ("day", "1 time, up to 0.25"),
        ("street", "2 times, up to 0.75"),
    ]
