"""The kinds of stores that must do alike. A further one is one more entry here."""

from __future__ import annotations

import postgres

STORES = {
    "files": lambda folder: str(folder / "store"),
    "sqlite": lambda folder: str(folder / "store.db"),
    "postgresql": postgres.fresh_url,
}
"""By name: the address of a store that nobody used before, in a folder."""
