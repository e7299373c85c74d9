"""What every registered annotator promises, whatever it finds."""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from driving import END, Drive, Said, Stop, annotations
from footage import Blobs, flat, frames_of, lit, mixed, panned, place, sound_of, with_face
from footage import context as context_of
from looking import Look, box_at, stored_pictures

from cortexia import registry
from cortexia.annotators.base import (
    Annotator,
    Emissions,
    Kind,
    Medium,
    SessionContext,
    Solver,
    SparseAnnotator,
    SparseSession,
    StoredAnnotations,
    StoredPicture,
    StreamAnnotator,
    option_types,
)
from cortexia.engine.lane import STATE_LIMIT
from cortexia.errors import AnnotatorError, ConfigurationError, UnknownNameError
from cortexia.testing import SoundSpec, applause, click, laughter, noise, sound_blocks, speech
from cortexia.types import Annotation, Caption, KeyPicture, annotation_from_fields

NAMES = registry.names("annotators")
COSTLY = 0.01
BLOBS = Blobs()
BOXES = (
    ("person", (0.1, 0.2, 0.4, 0.9), 0.8),
    ("person", (0.5, 0.3, 0.7, 0.8), 0.6),
    ("umbrella", (0.1, 0.1, 0.3, 0.4), 0.4),
)
"""In every key picture: what a better detector than the offline one might say."""


OPTIONS: dict[str, dict[str, Any]] = {
    "appearance": {"labels": None},
    "people": {"labels": "moving"},
    "tracks": {"high": 0.2, "birth": 0.2},
}
"""Nobody is to be seen below; what moves stands in for people."""


REPLAYED_S = {"speech": 63.0, "voices": 32.0, "transcription": 32.0}
"""Decoding sound once more costs next to nothing: it is decoded from the start anyway."""


def recipe_of(name: str) -> Annotator:
    """With nothing that has to be there first: no weights."""
    return registry.load("annotators", name)(**OPTIONS.get(name, {})).bound(lambda task: None)


def context() -> SessionContext:
    return context_of(BLOBS)


def works_alone(name: str) -> bool:
    """Without weights, in however modest a form."""
    return not recipe_of(name).model_ids


def of_kind(kind: Kind) -> list[str]:
    return [name for name in NAMES if registry.load("annotators", name).kind is kind]


# -- inputs: a little of everything, eighteen seconds of it at most


@cache
def pictures() -> tuple[Any, ...]:
    shown = [place(1)] * 40 + panned(2, 45, 4) + mixed(place(3), place(4), 12) + [place(4)] * 30
    shown += mixed(place(4), flat(0), 8) + [flat(0)] * 6 + mixed(flat(0), place(5), 8) + [place(5)] * 20
    shown += [lit(place(5), 2.5, 80)] * 2 + [place(5)] * 30 + [place(6)] * 10 + [place(7)] * 45
    shown += [crowd(step) for step in range(40)]
    shown += mixed(place(8), flat(0), 15)
    return tuple(frames_of(shown))


def crowd(step: int) -> np.ndarray:
    """Three faces on their way to the right."""
    shown = place(8)
    for left in (5, 95, 185):
        shown = with_face(shown, left + step, 40, 80)
    return shown


@cache
def sound() -> tuple[Any, ...]:
    """Noise and two voices, with a gap in the clock after 6.25 s."""
    events = (
        noise(0.4, 0.8, level=0.3),
        click(2.0),
        speech(2.2, 2.0, hz=110.0),
        speech(4.4, 1.5, hz=210.0),
        noise(6.4, 0.7, level=0.6),
        speech(7.4, 1.6, hz=210.0),
        speech(9.4, 2.2, hz=110.0),
    )
    voices = sound_blocks(SoundSpec(events, rate=16_000, floor=0.001), 12 * 16_000)
    samples = np.concatenate((*voices, lively()))
    blocks = sound_of(samples[:100_000], (1024, 37, 5000, 80, 1, 1600), start=250)
    later = sound_of(samples[100_000:], (1024, 999), start=250 + 100_000 + 3333)
    return (*blocks, *(dataclasses.replace(block, index=block.index + 100_000) for block in later))


def lively() -> np.ndarray:
    """Six seconds with laughter and applause in them."""
    spec = SoundSpec((laughter(0.2, 1.6), applause(2.2, 1.4), laughter(4.0, 1.6)), 16_000)
    return np.concatenate(list(sound_blocks(spec, 6 * 16_000)))


def inputs_of(recipe: StreamAnnotator) -> tuple[Any, ...]:
    return pictures() if recipe.medium is Medium.VIDEO else sound()


@cache
def said_by(name: str) -> tuple[tuple[int, Annotation], ...]:
    recipe = recipe_of(name)
    if isinstance(recipe, Solver):
        return tuple((END, made) for made in recipe.solve(stored_for(name), context()))
    if isinstance(recipe, SparseAnnotator):
        return tuple(look_of(name).run())
    return tuple(drive_of(name).run())


def upstream_of(name: str) -> Said:
    said = [item for needed in recipe_of(name).needs for item in said_by(needed)]
    return sorted(said, key=lambda item: item[0])


@cache
def look_of(name: str) -> Look:
    recipe = recipe_of(name)
    assert isinstance(recipe, SparseAnnotator)
    rows = annotations(upstream_of(name))
    kept = [row for row in rows if isinstance(row, KeyPicture)]
    if "objects" in recipe.needs:
        rows += [box_at(picture, *box) for picture in kept for box in BOXES]
    return Look(recipe, context(), stored_pictures(recipe, kept, BLOBS, rows))


def drive_of(name: str) -> Drive:
    recipe = recipe_of(name)
    assert isinstance(recipe, StreamAnnotator)
    return Drive(recipe, context(), inputs_of(recipe), upstream_of(name))


def stored_for(name: str) -> StoredAnnotations:
    rows = sorted(annotations(upstream_of(name)), key=lambda made: (made.span.start, made.type))
    recipes = {needed: recipe_of(needed) for needed in recipe_of(name).needs}
    return StoredAnnotations(lambda types: [made for made in rows if made.type in types], recipes)


@pytest.fixture(params=[name for name in of_kind(Kind.STREAM) if works_alone(name)])
def stream(request: pytest.FixtureRequest) -> Drive:
    return drive_of(request.param)


@pytest.fixture(params=[name for name in of_kind(Kind.SPARSE) if works_alone(name)])
def sparse(request: pytest.FixtureRequest) -> Look:
    return look_of(request.param)


@pytest.fixture(params=NAMES)
def recipe(request: pytest.FixtureRequest) -> Annotator:
    return recipe_of(request.param)


@pytest.fixture(params=[name for name in NAMES if works_alone(name)])
def speaker(request: pytest.FixtureRequest) -> Annotator:
    """A recipe that says something without weights."""
    return recipe_of(request.param)


# -- the recipe


def test_the_registered_name_is_its_own(recipe):
    assert recipe.name in NAMES
    assert type(recipe) is registry.load("annotators", recipe.name)


def test_it_says_version_cost_and_what_it_provides(recipe):
    assert recipe.version
    assert recipe.provides
    assert recipe.cost >= 0
    assert recipe.cost > 0 or recipe.kind is not Kind.STREAM


def test_what_it_requires_is_there(recipe):
    provided = {kind for name in NAMES for kind in registry.load("annotators", name).provides}
    assert set(recipe.requires) <= provided | set(NAMES)


def test_options_survive_json(recipe):
    told = json.loads(json.dumps(recipe.options(), allow_nan=False))
    assert type(recipe).from_options(told) == recipe


def test_an_unknown_option_is_refused_with_the_known_ones(recipe):
    with pytest.raises(UnknownNameError) as refused:
        type(recipe).from_options({"no_such_option": 1})
    assert set(refused.value.known) == set(recipe.options())


def test_an_option_of_the_wrong_type_is_refused(recipe):
    for option, wanted in option_types(type(recipe)).items():
        takes_text = str in (wanted, *typing.get_args(wanted))
        with pytest.raises(ConfigurationError, match=option):
            type(recipe).from_options({option: 7 if takes_text else "many"})


def test_nan_is_no_option(recipe):
    for option, value in recipe.options().items():
        if isinstance(value, float):
            with pytest.raises(ConfigurationError, match=option):
                type(recipe).from_options({option: math.nan})


# -- what it says


def test_it_says_something(speaker):
    """Else nothing below would prove anything."""
    assert len(said_by(speaker.name)) >= 3


def test_it_emits_only_what_it_provides(speaker):
    assert {made.type for _, made in said_by(speaker.name)} <= set(speaker.provides)


def test_its_rows_survive_the_database(speaker):
    for _, made in said_by(speaker.name):
        common = {
            name: getattr(made, name) for name in ("span", "label", "confidence", "frame_index", "track_id", "bbox")
        }
        stored = json.loads(json.dumps(made.data(), allow_nan=False))
        assert annotation_from_fields(made.type, stored, **common).data() == made.data()


def test_it_says_the_same_again(speaker):
    assert speaker.deterministic
    assert again_said(speaker) == said_by(speaker.name)


def again_said(recipe: Annotator) -> tuple[tuple[int, Annotation], ...]:
    if isinstance(recipe, Solver):
        return tuple((END, made) for made in recipe.solve(stored_for(recipe.name), context()))
    driven = look_of(recipe.name) if isinstance(recipe, SparseAnnotator) else drive_of(recipe.name)
    return tuple(driven.run())


# -- streams


@pytest.mark.parametrize("batch", [7, 64])
def test_batches_change_nothing(stream, batch):
    assert stream.run(batch) == list(said_by(stream.recipe.name))


def test_a_stop_at_any_input_changes_nothing(stream):
    undisturbed = stream.run(keep_stops=True)
    assert len(stream.stops) == len(stream.inputs)
    every = max(1, len(stream.stops) // (60 if stream.recipe.cost < COSTLY else 10))
    for stop in stream.stops[::every]:
        assert stream.resume(stop, undisturbed) == undisturbed, f"stopped after {stop.count} inputs"


def test_without_its_state_a_restart_differs(stream):
    """Negative control of the test above."""
    undisturbed = stream.run(keep_stops=True)
    if not any(json.loads(stop.state) for stop in stream.stops):
        pytest.skip("it keeps nothing between inputs")
    some = [stream.stops[len(stream.stops) * part // 8] for part in range(1, 8)]
    assert any(_went_wrong(stream, stop, undisturbed) for stop in some)


def _went_wrong(stream: Drive, stop: Stop, undisturbed: Said) -> bool:
    try:
        return stream.resume(stop, undisturbed, forgets=True) != undisturbed
    except AnnotatorError:
        return True


def test_state_is_small_and_holds_no_pixels_or_samples(stream):
    """A probability for each 32 ms of half a minute is no samples: those would be half a million."""
    most = 64 if stream.recipe.medium is Medium.VIDEO else 1000
    stream.run(keep_stops=True)
    for stop in stream.stops:
        assert len(stop.state) <= STATE_LIMIT
        assert all(len(numbers) <= most for numbers in _lists(json.loads(stop.state)))


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _lists(child)


def test_coverage_only_grows_and_no_row_starts_before_it(stream):
    said = stream.run(keep_stops=True)
    last = None
    for stop in stream.stops:
        if stop.final_until is None:
            continue
        assert last is None or stop.final_until >= last, f"after {stop.count} inputs"
        last = stop.final_until
        assert all(made.span.start >= last for _, made in said[stop.said :]), f"after {stop.count} inputs"


def test_replay_never_needs_what_is_long_gone(stream):
    """Three seconds and a bit, or what ``REPLAYED_S`` says: what a restart hears or sees again is bounded."""
    stream.run(keep_stops=True)
    for stop in stream.stops:
        if stop.replay_from is not None:
            done = stream.inputs[stop.count - 1]
            first = next((item for item in stream.inputs if item.index >= stop.replay_from), done)
            assert done.timestamp.seconds - first.timestamp.seconds <= REPLAYED_S.get(stream.recipe.name, 4.0)


def test_no_input_no_rows(stream):
    assert Drive(stream.recipe, stream.context, ()).run() == []


def test_it_can_be_closed_at_once(stream):
    stream.recipe.session(stream.context).close()


# -- sparse ones


@pytest.mark.parametrize("batch", [3, 64])
def test_pictures_at_once_change_nothing(sparse, batch):
    assert sparse.run(batch) == list(said_by(sparse.recipe.name))


def test_a_stop_after_any_picture_changes_nothing(sparse):
    assert len(sparse.pictures) >= 5
    for stop in range(1, len(sparse.pictures)):
        assert sparse.run(2, stops=[stop]) == list(said_by(sparse.recipe.name)), f"stopped after {stop} pictures"


def test_its_rows_lie_where_the_picture_is(sparse):
    for number, made in said_by(sparse.recipe.name):
        picture = sparse.pictures[number].annotation
        assert made.frame_index == picture.frame_index
        assert made.span.contains(picture.span.start)
        if made.bbox is not None:
            width, height = picture.display
            assert min(made.bbox.x1, made.bbox.y1) >= 0
            assert (made.bbox.x2, made.bbox.y2) <= (width, height)


def test_no_picture_no_rows(sparse):
    assert Look(sparse.recipe, sparse.context, ()).run() == []


@dataclasses.dataclass(frozen=True)
class Counting(SparseAnnotator):
    """What no sparse annotator may do: it remembers."""

    name = "counting"
    version = "1"

    def session(self, context: SessionContext) -> SparseSession:
        return CountingSession()


class CountingSession(SparseSession):
    def __init__(self) -> None:
        self.count = 0

    def annotate(self, pictures: Sequence[StoredPicture]) -> Emissions:
        self.count += 1
        return [[Caption(span=picture.annotation.span, text=str(self.count))] for picture in pictures]


def test_a_session_that_remembers_is_found_out():
    """Negative control of batches and stops."""
    look = Look(Counting(), context(), look_of("embeddings").pictures)
    assert look.run(3) != look.run(1)
    assert look.run(1, stops=[2]) != look.run(1)
