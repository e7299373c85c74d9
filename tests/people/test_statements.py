"""What people said, in order: the later goes before the earlier."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cortexia.errors import ValidationError
from cortexia.people.labels import Labels
from cortexia.people.statements import said
from cortexia.types import BBox, PersonNote, TimeSpan, Timestamp

AT = Timestamp(0, Fraction(1, 1000))


def note(number: int, action: str = "name", label: str | None = None, **more) -> PersonNote:
    return PersonNote(
        span=TimeSpan(AT, AT),
        frame_index=0,
        bbox=BBox(0, 0, 1, 1),
        label=label,
        action=action,
        statement=str(number),
        number=number,
        **more,
    )


def test_a_statement_is_heard_whole_whatever_the_order_of_its_notes():
    notes = [(note(2, "merge"), 5), (note(1, label="Ada"), 3), (note(2, "merge"), 4), (note(2, "merge"), 3)]
    assert said(notes) == said(reversed(notes))
    assert said(notes).constraints()[0] == {(3, 4), (4, 5)}


def test_the_last_name_counts():
    heard = said([(note(2, label="Eve"), 0), (note(1, label="Ada"), 0)])
    assert heard.name_among([0, 1]) == "Eve"
    assert heard.name_among([1]) is None


def test_one_name_links_and_two_names_part():
    heard = said([(note(1, label="Ada"), 0), (note(2, label="Bob"), 1), (note(3, label="ADA"), 2)])
    together, apart = heard.constraints()
    assert together == {(0, 2)}
    assert apart == {(0, 1)}


def test_a_split_undoes_a_merge_and_a_merge_a_split():
    merge = [(note(1, "merge"), 0), (note(1, "merge"), 1)]
    split = [(note(2, "split"), 0), (note(2, "split", is_apart=True), 1)]
    after = said([*merge, *split])
    assert (after.together, after.apart, after.late) == (set(), {(1, 0)}, {1})
    again = said([*merge, *split, (note(3, "merge"), 0), (note(3, "merge"), 1)])
    assert (again.together, again.apart, again.late) == ({(0, 1)}, set(), set())


def test_who_is_taken_out_leaves_the_name_behind():
    heard = said([(note(1, label="Ada"), 0), (note(2, "split", "Ada"), 1), (note(2, "split", is_apart=True), 0)])
    assert heard.name_among([0]) is None
    assert heard.name_among([1]) == "Ada"


def test_a_note_says_what_it_is_about():
    with pytest.raises(ValidationError, match="needs a name"):
        note(1, "enroll")
    with pytest.raises(ValidationError, match="action must be one of"):
        note(1, "forget", "Ada")


@pytest.mark.parametrize(("number", "text"), [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB"), (701, "ZZ"), (702, "AAA")])
def test_a_label_that_was_seen_is_used_up(number, text):
    labels = Labels(0)
    labels.saw(f"Person {text}")
    assert labels.given == number + 1


def test_a_name_uses_up_no_letter():
    labels = Labels(3)
    labels.saw("Ada")
    labels.saw("Person B")
    assert labels.next() == "Person D"
