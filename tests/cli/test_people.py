"""``cortexia people`` as a user types it."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner
from crowd import Shown, faces, store_rows

from cortexia.cli.main import cli
from cortexia.errors import ConfigurationError, NoStoreError, UnknownNameError
from cortexia.stores import open_store


@pytest.fixture
def place(tmp_path):
    store = open_store(str(tmp_path / "store.db"))
    for number, cast in {1: (1, 2), 2: (2,), 3: (1,)}.items():
        store_rows(store, number, "face_groups", faces(number, [Shown(who) for who in cast]))
    store.close()
    return tmp_path / "store.db"


def typed(place, *words: str, as_json: bool = False):
    """What the command prints; errors of the tree are raised, as ``main`` gets them."""
    arguments = ["people", *words, "--store", str(place), *(["--json"] if as_json else [])]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done


def test_a_table_of_who_how_often_and_where_first(place):
    head, *rows = typed(place, "list").stdout.splitlines()
    assert head.split() == ["name", "videos", "appearances", "seconds", "first", "seen"]
    assert [re.split(r"\s{2,}", row) for row in rows] == [
        ["Person A", "2", "2", "8.0", "1.mp4 0:00"],
        ["Person B", "2", "2", "8.0", "1.mp4 0:00"],
    ]


def test_json_has_every_appearance(place):
    first, _ = json.loads(typed(place, "list", as_json=True).stdout)
    assert (first["label"], first["is_named"], first["videos"]) == ("Person A", False, 2)
    assert [(seen["filename"], seen["start_s"], seen["end_s"]) for seen in first["appearances"]] == [
        ("1.mp4", 0.0, 4.0),
        ("3.mp4", 0.0, 4.0),
    ]


def test_a_name_is_found_by_find(place):
    assert typed(place, "name", "person a", "Ada").stdout.splitlines()[1].startswith("Ada ")
    arguments = ["find", "--store", str(place), "--type", "identity", "--label", "Ada", "--json"]
    rows = CliRunner().invoke(cli, arguments).stdout.splitlines()
    assert len(rows) == 2


def test_merge_and_split(place):
    typed(place, "name", "Person B", "Bob")
    (merged,) = json.loads(typed(place, "merge", "Person A", "Bob", as_json=True).stdout)
    assert (merged["label"], merged["videos"]) == ("Bob", 3)
    third = next(seen["face_id"] for seen in merged["appearances"] if seen["filename"] == "3.mp4")
    rest, out = json.loads(typed(place, "split", "Bob", third, as_json=True).stdout)
    assert [(one["label"], one["videos"]) for one in (rest, out)] == [("Bob", 2), ("Person C", 1)]


def test_who_nobody_is_and_who_several_are(place):
    with pytest.raises(UnknownNameError, match="known: Person A, Person B"):
        typed(place, "name", "Mallory", "Ada")
    with pytest.raises(ConfigurationError, match="fits 2 people: Person A, Person B"):
        typed(place, "name", "Pers", "Ada")
    with pytest.raises(ConfigurationError, match="cortexia itself calls people"):
        typed(place, "name", "Person A", "Person Q")


def test_a_store_that_is_not_there_and_one_without_people(tmp_path):
    with pytest.raises(NoStoreError):
        typed(tmp_path / "none.db", "list")
    open_store(str(tmp_path / "empty.db")).close()
    done = typed(tmp_path / "empty.db", "list")
    assert (done.stdout, done.stderr.split(":")[0]) == ("", "nobody yet")


def test_a_name_cannot_act_on_the_terminal(place):
    with pytest.raises(ConfigurationError, match="can be shown"):
        typed(place, "name", "Person A", "Ada\x1b[2J")
