"""Revisions of the schema, run through Alembic without an ini file. Alembic is loaded only when there is work."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of the schema; ``down``: the one before it."""

    name: str
    down: str | None
    what: str


def known() -> tuple[Revision, ...]:
    """Every revision that this version of cortexia can make, the oldest first."""
    from alembic.script import ScriptDirectory

    scripts = reversed(list(ScriptDirectory.from_config(_config()).walk_revisions()))
    return tuple(Revision(script.revision, _only(script.down_revision), script.doc) for script in scripts)


def _only(down: object) -> str | None:
    return None if down is None else str(down)


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
    if found not in [revision.name for revision in known()]:
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


def written_out(dialect: str, found: str | None, target: str) -> str:
    """The SQL that takes a database of revision ``found`` to ``target``, up or down; nothing is run."""
    from alembic import command

    names = [None, *(revision.name for revision in known())]
    wanted = HEAD if target == "head" else None if target == "base" else target
    if found == wanted:
        return ""
    config = _config()
    config.attributes["dialect"] = dialect
    config.output_buffer = io.StringIO()
    with _ONE_AT_A_TIME:
        if names.index(wanted) > names.index(found):
            command.upgrade(config, f"{found or 'base'}:{wanted}", sql=True)
        else:
            command.downgrade(config, f"{found}:{wanted or 'base'}", sql=True)
    return config.output_buffer.getvalue()


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
