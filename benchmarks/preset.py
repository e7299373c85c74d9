"""The whole preset ``fast`` on 1080p with sound, through engine and store, beside decoding alone, in turns.

    python benchmarks/preset.py [--rounds 5] [--json FILE] [--seconds 25] [--preset fast]

The limits: ``ffmpeg -threads 2 -f null``, and PyAV with two threads that throws the pictures away; neither touches the
sound. *without objects*: the same without them and those that need them. Below, where the time of the pass goes, as the
store has it: wall seconds inside each annotator, which take turns on one thread beside the one that decodes and makes
views; the rest is waiting for pictures, commits, identity, probe and plan. Weights are searched where cortexia searches
them (``CORTEXIA_MODELS``), and in the shared data.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from _common import DATA, Row, ffmpeg_null, in_turns, paired_ratios, show, spread, write_json
from cortexia.annotators.base import Annotator
from cortexia.config import load_settings
from cortexia.models.access import ModelSettings, open_models
from cortexia.models.base import ModelAccess
from cortexia.models.catalogue import load_catalogue
from cortexia.models.presets import Preset, find_preset, lacking_models
from cortexia.plan import make_recipes, resolve
from decode import pyav_decode
from one_pass import annotate, clip

LIMIT = "PyAV, decode only"
NETWORK = "objects"


class Timed:
    """A preset whose processing seconds are kept, round by round, by annotator."""

    def __init__(self, path: Path, recipes: Sequence[Annotator], models: ModelAccess) -> None:
        self._call = partial(annotate, path, recipes, models)
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def __call__(self) -> None:
        for name, seconds in self._call().items():
            self.seconds[name].append(seconds)


def without(recipes: Sequence[Annotator], name: str) -> list[Annotator]:
    """Those that need ``name`` in no way."""
    _, needs = resolve(recipes)
    gone = {name}
    while more := {other for other, needed in needs.items() if gone.intersection(needed)} - gone:
        gone |= more
    return [recipe for recipe in recipes if recipe.name not in gone]


def measure(path: Path, preset: Preset, models: ModelAccess, rounds: int) -> tuple[list[Row], list[Row]]:
    """Ratios of whole passes, and what each annotator took in them."""
    recipes = [recipe.bound(lambda task: None) for recipe in make_recipes(preset.annotators, preset.options)]
    whole = Timed(path, recipes, models)
    lean = Timed(path, without(recipes, NETWORK), models)
    runners = {
        "ffmpeg": partial(ffmpeg_null, path),
        LIMIT: partial(pyav_decode, path),
        f"preset {preset.name}": whole,
        f"without {NETWORK}": lean,
    }
    times, cpu = in_turns(runners, rounds)
    ratios: list[Row] = [
        {
            "case": name,
            "seconds": spread(taken),
            "cpu_seconds": spread(cpu[name]),
            "of decode only": spread(paired_ratios(times[LIMIT], taken)),
            "of ffmpeg": spread(paired_ratios(times["ffmpeg"], taken)),
        }
        for name, taken in times.items()
    ]
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    parts = [
        {
            "seconds inside": name,
            f"preset {preset.name}": spread(whole.seconds[name]),
            f"without {NETWORK}": spread(lean.seconds[name]) if name in lean.seconds else "",
        }
        for name in sorted(whole.seconds, key=lambda name: -statistics.median(whole.seconds[name]))
    ]
    return ratios, [*parts, _rest(preset, medians, whole, lean)]


def _rest(preset: Preset, medians: dict[str, float], whole: Timed, lean: Timed) -> Row:
    columns = {f"preset {preset.name}": whole, f"without {NETWORK}": lean}
    inside = {name: sum(map(statistics.median, timed.seconds.values())) for name, timed in columns.items()}
    return {"seconds inside": "none of them", **{name: f"{medians[name] - inside[name]:.2f}" for name in columns}}


def models_for(preset: Preset) -> ModelAccess | None:
    """What opens the models of the preset; ``None`` where one is not here, with a word about it."""
    chosen = ModelSettings.of(load_settings().settings)
    chosen = replace(chosen, folders=(*chosen.folders, DATA / "models"))
    if lacking := lacking_models(preset, load_catalogue(chosen.catalogue), chosen.library()):
        searched = ", ".join(map(str, chosen.folders))
        print(f"left out: {', '.join(entry.id for entry in lacking)} is not here (searched: {searched})")
        return None
    return open_models(chosen)


def main() -> int:
    sys.setswitchinterval(0.001)  # as worker processes do
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=25)
    options.add_argument("--preset", default="fast")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    preset = find_preset(chosen.preset)
    models = models_for(preset)
    if models is None:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        ratios, parts = measure(clip(Path(folder), 1080, chosen.seconds), preset, models, chosen.rounds)
    show(ratios)
    show(parts)
    write_json(chosen.json, {"seconds_of_media": chosen.seconds, "ratios": ratios, "parts": parts})
    return 0


if __name__ == "__main__":
    sys.exit(main())
