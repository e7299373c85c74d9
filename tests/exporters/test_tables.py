"""CSV, JSON Lines and Parquet: columns, types, and formulas that stay text."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest
from filled import HOSTILE, HUGE, UNICODE, box, everything, fill, identity, measure
from hypothesis import given
from hypothesis import strategies as st

from cortexia.errors import MissingDependencyError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.csv import CsvExporter, guard_cell
from cortexia.exporters.flat import COLUMNS
from cortexia.exporters.jsonl import JsonlExporter, row_to_dict
from cortexia.exporters.parquet import ParquetExporter
from cortexia.stores import open_store
from cortexia.types import Query, Timestamp


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = everything(tmp_path_factory.mktemp("full"))
    yield opened
    opened.close()


def written(exporter, store) -> bytes:
    out = io.BytesIO()
    exporter.write(ExportSource(store), out)
    return out.getvalue()


def cells(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


# -- CSV


def test_golden_of_csv(tmp_path):
    store = open_store(str(tmp_path / "s.db"))
    spec = fill(store, identity(), "objects", [box(3, "=cmd()", 0.25), measure(4)])
    first, second = (row.annotation_id for row in store.find(Query()))
    head, *lines = written(CsvExporter(), store).decode().split("\r\n")
    store.close()
    video = "a" * 64 + ",/videos/a.mp4"
    assert head == ",".join(COLUMNS)
    assert lines == [
        f"{video},detection,'=cmd(),0.12,0.16,10800,14400,1/90000,3,,0.25,10.1,20.2,20.6,27.7,{{}},objects,"
        f"{spec.run_id},{first}",
        f'{video},measure,loudness,0.16,1.16,14400,104400,1/90000,,,,,,,,"{{""values"":{{""rms_dbfs"":-23.5}}}}",objects,'
        f"{spec.run_id},{second}",
        "",
    ]


def test_no_text_cell_starts_a_formula_and_every_text_comes_back(store):
    rows = list(store.find(Query()))
    read = cells(written(CsvExporter(), store))
    assert len(read) == len(rows)
    for row, cell in zip(rows, read, strict=True):
        assert not cell["label"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert cell["label"].removeprefix("'") == (row.annotation.label or "")
        assert json.loads(cell["data"]) == row.annotation.data()
    labels = {cell["label"].removeprefix("'") for cell in read}
    assert {*HOSTILE, *UNICODE, HUGE} <= labels


def test_labels_of_the_hostile_file_are_quoted(data_dir, tmp_path):
    text = (data_dir / "badmedia" / "selfmade" / "text" / "csv_formula.csv").read_text()
    hostile = [cell for line in csv.reader(io.StringIO(text)) for cell in line if cell not in ("label", "note")]
    store = open_store(str(tmp_path / "s.db"))
    fill(store, identity(), "objects", [box(number, label) for number, label in enumerate(hostile)])
    read = [cell["label"] for cell in cells(written(CsvExporter(), store))]
    store.close()
    assert hostile[0].startswith("=HYPERLINK")
    # the first line of the file falls apart at its comma, and leaves one cell that is no formula
    assert read == ["'" + label if label[0] in "=+-@" else label for label in hostile]
    assert sum(label.startswith("'") for label in read) == 4


def test_numbers_stay_numbers(tmp_path):
    assert guard_cell(-5) == -5
    assert guard_cell(-0.5) == -0.5
    assert guard_cell("-5") == "'-5"


@given(st.text(max_size=20))
def test_one_quote_taken_away_gives_every_text_back(text):
    guarded = guard_cell(text)
    assert (guarded.removeprefix("'") if guarded != text else guarded) == text
    assert guarded.removeprefix("'") == text or not text.startswith("'")


# -- JSON Lines


def test_json_lines_are_the_rows(store):
    lines = written(JsonlExporter(), store).splitlines()
    assert [json.loads(line) for line in lines] == [row_to_dict(row) for row in store.find(Query())]


# -- Parquet


def table(store):
    import pyarrow.parquet

    return pyarrow.parquet.read_table(io.BytesIO(written(ParquetExporter(), store)))


def test_columns_and_types_of_parquet(store):
    schema = table(store).schema
    assert schema.names == list(COLUMNS)
    assert {str(kind) for kind in schema.types} == {"string", "int64", "double"}
    assert {schema.field(name).type for name in ("start_pts", "frame_index")} == {schema.field("end_pts").type}
    assert not schema.field("video_id").nullable


def test_parquet_gives_the_rows_back(store):
    for row, read in zip(store.find(Query()), table(store).to_pylist(), strict=True):
        said = row_to_dict(row)
        assert {name: read[name] for name in read if name in said and name != "data"} == {
            name: said[name] for name in read if name in said and name != "data"
        }
        assert json.loads(read["data"]) == said["data"]
        sides = [read[f"bbox_{side}"] for side in ("x", "y", "width", "height")]
        assert sides == (said["bbox"] or [None] * 4)
        assert Timestamp(read["start_pts"], row.annotation.span.start.time_base) == row.annotation.span.start


def test_a_table_without_rows_has_its_columns(tmp_path):
    store = open_store(str(tmp_path / "s.db"))
    empty = table(store)
    store.close()
    assert empty.num_rows == 0
    assert empty.schema.names == list(COLUMNS)


def test_rows_come_in_groups(tmp_path):
    import pyarrow.parquet
    from filled import Endless

    from cortexia.exporters import parquet

    out = io.BytesIO()
    ParquetExporter().write(ExportSource(Endless(parquet.GROUP_ROWS + 1500)), out)
    metadata = pyarrow.parquet.ParquetFile(out).metadata
    assert [metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)] == [10_000, 1500]


def test_without_pyarrow_the_line_that_installs_it_is_told(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'cortexia\[parquet\]'"):
        written(ParquetExporter(), store)
