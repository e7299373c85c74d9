"""TextGrid: what praatio reads is what was stored, without gaps, whatever overlaps."""

from __future__ import annotations

import io
import re
from itertools import pairwise
from pathlib import Path

from filled import HOSTILE, UNICODE, Listed, sound, speech, spoken, turn, utterance, word
from hypothesis import given, settings
from hypothesis import strategies as st
from praatio import textgrid

from cortexia.exporters.base import ExportSource
from cortexia.exporters.destination import write_stream
from cortexia.exporters.textgrid import TextGridExporter

Intervals = list[tuple[float, float, str]]


def exported(rows) -> str:
    out = io.BytesIO()
    assert write_stream(TextGridExporter(), ExportSource(Listed(rows)), out) > 0
    return out.getvalue().decode()


def read(text: str, folder: Path) -> dict[str, Intervals]:
    """The intervals of every tier as praatio reads them, with the empty ones between; they fill the whole time."""
    path = folder / "read.TextGrid"
    path.write_text(text, encoding="utf-8", newline="\n")
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")
    found = {tier.name: [tuple(entry) for entry in tier.entries] for tier in grid.tiers}
    for intervals in found.values():
        assert intervals[0][0] == 0
        assert intervals[-1][1] == grid.maxTimestamp
        assert all(left[1] == right[0] for left, right in pairwise(intervals))
    return found


def told(intervals: Intervals) -> Intervals:
    return [interval for interval in intervals if interval[2]]


def tokens(text: str) -> list[str]:
    """As Praat reads text files: strings in quotes, free-standing numbers and flags; the rest is commentary."""
    return re.findall(r'"(?:[^"]|"")*"|<\w+>|(?<!\S)[\d.]+(?!\S)', text)


def test_golden():
    assert exported([word(0.5, 1, 'say "hi"')]) == (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        "xmin = 0\nxmax = 4\ntiers? <exists>\nsize = 1\nitem []:\n"
        '    item [1]:\n        class = "IntervalTier"\n        name = "words"\n        xmin = 0\n        xmax = 4\n'
        "        intervals: size = 3\n"
        '        intervals [1]:\n            xmin = 0\n            xmax = 0.5\n            text = ""\n'
        '        intervals [2]:\n            xmin = 0.5\n            xmax = 1\n            text = "say ""hi"""\n'
        '        intervals [3]:\n            xmin = 1\n            xmax = 4\n            text = ""\n'
    )


def test_there_is_a_tier_for_each_kind_and_each_speaker(tmp_path):
    rows = [
        speech(0, 3),
        utterance(0, 3, "one two"),
        word(0, 1, "one"),
        spoken(0, 1, "one"),
        turn(1, 2, "Bob"),
        turn(2, 3),
    ]
    found = read(exported([*rows, turn(3, 4, "words"), sound(3, 3.5)]), tmp_path)
    assert list(found) == ["speech", "utterances", "words", "Bob", "Ann", "words (2)", "sounds"]
    assert told(found["words"]) == [(0, 1, "one")]
    assert told(found["Ann"]) == [(2, 3, "Ann")]
    assert told(found["sounds"]) == [(3, 3.5, "laughter")]


def test_what_overlaps_is_in_a_further_tier(tmp_path):
    found = read(
        exported([word(0, 2, "a"), word(1, 3, "b"), word(2, 4, "c"), sound(0, 2), sound(1, 3, "music")]), tmp_path
    )
    assert {name: [text for *_, text in told(own)] for name, own in found.items()} == {
        "words": ["a", "c"],
        "words (2)": ["b"],
        "sounds": ["laughter"],
        "sounds (2)": ["music"],
    }


def test_an_instant_lasts_a_microsecond_and_needs_no_tier_of_its_own(tmp_path):
    found = read(exported([word(1, 1, "oh"), word(1, 2, "well")]), tmp_path)
    assert told(found["words"]) == [(1, 1.000001, "oh"), (1.000001, 2, "well")]


def test_text_of_strangers_stays_text(tmp_path, data_dir):
    hostile = (data_dir / "badmedia" / "selfmade" / "text" / "labels_xss.txt").read_text(encoding="utf-8").splitlines()
    texts = [text for text in [*hostile, *HOSTILE, *UNICODE, '"', '""'] if text.strip()]
    found = read(exported([word(n, n + 1, text, n) for n, text in enumerate(texts)]), tmp_path)
    spelled = ["".join(f"\\u{ord(sign):04x}" if ord(sign) < 32 else sign for sign in text).strip() for text in texts]
    assert [text for *_, text in told(found["words"])] == spelled


def test_text_that_looks_like_the_format_stays_text():
    hostile = 'x"\n    item [2]:\n  intervals [9]:\n xmin = 3\n name = "evil'
    spelled = hostile.replace("\n", "\\u000a").replace('"', '""')
    head = ['"ooTextFile"', '"TextGrid"', "0", "4", "<exists>", "1", '"IntervalTier"', '"words"', "0", "4", "2"]
    assert tokens(exported([word(0, 1, hostile)])) == [*head, "0", "1", f'"{spelled}"', "1", "4", '""']


ROWS = st.lists(
    st.tuples(
        st.integers(0, 30_000), st.integers(0, 5000), st.text(st.characters(exclude_categories=("C", "Z")), min_size=1)
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_every_row_comes_back_wherever_it_lies(tmp_path_factory, rows):
    made = [turn(start / 1000, (start + lasts) / 1000, text, speaker_id=text) for start, lasts, text in rows]
    found = read(exported(made), tmp_path_factory.mktemp("any"))
    read_back = sorted(
        (round(start * 1000), round(end * 1000), text) for own in found.values() for start, end, text in told(own)
    )
    assert read_back == sorted((start, start + lasts, text) for start, lasts, text in rows)
