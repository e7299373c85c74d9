"""What is stored beside what would be made now: which runs are stale and why, and what nobody looked for yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cortexia.stores.base import RunRecord
from cortexia.types import RunSpec, RunStatus, canonical_json

_DIGEST_SHOWN = 12


class Freshness(StrEnum):
    CURRENT = "current"
    """What is stored is what would be made now."""
    STALE = "stale"
    """Something else would be made now: asking for the video again does this run anew, and those that require it."""
    MISSING = "missing"
    """Nobody has looked yet."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a stored run, or one that is not there, stands to what would be made now. ``reasons``: in words."""

    annotator: str
    freshness: Freshness
    reasons: tuple[str, ...] = ()
    run_id: str | None = None


def standings(wanted: Mapping[str, RunSpec], stored: Iterable[RunRecord]) -> Iterator[Standing]:
    """One for each of ``wanted`` (specs by annotator, providers first). ``stored``: the current runs of the video."""
    runs = {run.run_id: run for run in stored}
    outdated: dict[str, str] = {}
    for name, spec in wanted.items():
        made = _standing(name, spec, runs, [outdated[key] for key in spec.upstream if key in outdated])
        if made.freshness is not Freshness.CURRENT:
            outdated[spec.run_key] = name
        yield made


def _standing(name: str, spec: RunSpec, runs: Mapping[str, RunRecord], outdated: Sequence[str]) -> Standing:
    same = runs.get(spec.run_id)
    if same is not None:
        return Standing(name, Freshness.CURRENT, run_id=same.run_id)
    others = [run for run in runs.values() if run.spec.annotator == name and run.spec.time_range == spec.time_range]
    done = [run for run in others if run.status is RunStatus.COMPLETED]
    if not others:
        return Standing(name, Freshness.MISSING)
    other = (done or others)[0]
    return Standing(name, Freshness.STALE, tuple(_differences(other.spec, spec, outdated)), other.run_id)


def _differences(old: RunSpec, new: RunSpec, outdated: Sequence[str]) -> Iterator[str]:
    if old.version != new.version:
        yield f"version {old.version}, now {new.version}"
    for option in sorted(old.options.keys() | new.options.keys()):
        before, now = _shown(old.options, option), _shown(new.options, option)
        if before != now:
            yield f"{option} {before}, now {now}"
    if old.weights_sha256 != new.weights_sha256:
        yield f"weights {_short(old.weights_sha256)}, now {_short(new.weights_sha256)}"
    if sorted(old.upstream) != sorted(new.upstream):
        yield f"requires {', '.join(outdated)}, not current" if outdated else "other rows to start from"


def _shown(options: Mapping[str, Any], name: str) -> str:
    return canonical_json(options[name]) if name in options else "unknown"


def _short(digest: str | None) -> str:
    return digest[:_DIGEST_SHOWN] if digest else "none"
