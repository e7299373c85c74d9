"""Identities and statements are rows like others: moved, exported and found in SQL."""

from __future__ import annotations

import contextlib
import json
import sqlite3

from crowd import Shown, faces, store_rows
from keeping import canonical
from kinds import STORES

from cortexia.maintenance.check import CheckOptions, check
from cortexia.maintenance.move import move
from cortexia.people.desk import PeopleDesk
from cortexia.stores import open_store


def told(store):
    people = PeopleDesk(lambda: store).refresh()
    return people.is_new, [(one.label, one.identity_id, one.videos) for one in people.directory.people]


def test_they_move_with_their_videos_and_need_nothing_done(tmp_path, sqlite):
    for number in (1, 2):
        store_rows(sqlite, number, "face_groups", faces(number, [Shown(1), Shown(2)]))
    desk = PeopleDesk(lambda: sqlite)
    desk.name("Person A", "Ada")
    before = told(sqlite)
    (tmp_path / "to").mkdir()
    with contextlib.closing(open_store(STORES["files"](tmp_path / "to"))) as target:
        move(sqlite, target)
        assert canonical(target) == canonical(sqlite)
        assert told(target) == before == (False, before[1])
        assert check(target, CheckOptions()).problems == ()
        named = PeopleDesk(lambda: target).name("Ada", "Ada Lovelace")
        assert named.videos == 2


def test_they_are_found_in_sql(tmp_path, sqlite):
    store_rows(sqlite, 1, "face_groups", faces(1, [Shown(1), Shown(2)]))
    PeopleDesk(lambda: sqlite).name("Person B", "Ada")
    with contextlib.closing(sqlite3.connect(tmp_path / "store.db")) as database:
        query = "SELECT data FROM current_annotations WHERE annotation_type = 'identity' AND label = 'Ada'"
        ((data,),) = database.execute(query).fetchall()
    assert json.loads(data)["face_id"].endswith("_002")
