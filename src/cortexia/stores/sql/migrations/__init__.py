"""Revisions of the schema, run through Alembic without an ini file. Alembic is loaded only when there is work."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect

from cortexia.errors import SchemaError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0005"
_FOLDER = Path(__file__).parent
# Alembic keeps what it works on in globals: two threads that open stores would meet there
_ONE_AT_A_TIME = threading.Lock()


def revision(connection: Connection) -> str | None:
    """Revision of the database, ``None`` for one that has none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").one_or_none()
    return None if row is None else str(row[0])


def is_foreign(connection: Connection) -> bool:
    """Whether the database, which has no revision, has tables all the same: those of another program."""
    # the empty table of revisions stays behind when all of them are taken back
    return any(name != "alembic_version" for name in inspect(connection).get_table_names())


def require_known(found: str, location: str) -> None:
    """Raise ``SchemaError`` for a revision that this version of cortexia has never heard of."""
    from alembic.script import ScriptDirectory

    known = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
    if found not in known:
        raise SchemaError(
            f"{location} has revision {found}, made by a newer cortexia (this one knows {HEAD}); upgrade cortexia"
        )


def upgrade(connection: Connection, target: str = "head") -> None:
    """Bring the database to ``target`` inside the caller's transaction."""
    from alembic import command

    with _ONE_AT_A_TIME:
        command.upgrade(_config(connection), target)


def downgrade(connection: Connection, target: str) -> None:
    """Take the database back to ``target`` (``base``: empty) inside the caller's transaction."""
    from alembic import command

    with _ONE_AT_A_TIME:
        command.downgrade(_config(connection), target)


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
