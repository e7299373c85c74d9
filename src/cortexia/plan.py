"""What will run: who needs whom, in which pass, what is stored already, and what it costs.

``resolve`` turns names into recipes in an order in which everybody's needs come first. ``make_plan`` gives each its
run key, groups stream annotators into passes (one, unless a stream needs what only a solver can give), and
``Plan.explain`` tells it as data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Any, cast

from cortexia import registry
from cortexia.annotators.base import Annotator, Kind, Medium, StreamAnnotator
from cortexia.errors import PlanError, UnknownNameError
from cortexia.models.base import ModelAccess
from cortexia.models.manifest import NO_FILES
from cortexia.stores.base import RunRecord
from cortexia.types import WHOLE_VIDEO, MediaInfo, RunSpec, RunStatus, TimeRange, digest_of

AUDIO_RATE = 16_000


class Action(StrEnum):
    """What happens to a run: it starts, goes on where it stopped, is there already, cannot be, or failed before in the
    same job."""

    RUN = "run"
    RESUME = "resume"
    STORED = "stored"
    SKIP = "skip"
    ENDED = "ended"


@dataclass(frozen=True)
class PlannedRun:
    """A recipe bound to a video. ``upstream``: run ids of those it requires, in the order of ``requires``;
    ``requires``: their recipes, by name."""

    recipe: Annotator
    spec: RunSpec
    upstream: tuple[str, ...]
    stage: int
    action: Action
    reason: str | None = None
    record: RunRecord | None = None
    requires: Mapping[str, Annotator] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        return self.spec.run_id

    @property
    def is_open(self) -> bool:
        return self.action in (Action.RUN, Action.RESUME)


@dataclass(frozen=True)
class Stage:
    """One pass over the video at most, then the runs that read what is stored."""

    streams: tuple[PlannedRun, ...] = ()
    offline: tuple[PlannedRun, ...] = ()

    @property
    def needs_decode(self) -> bool:
        return any(run.is_open for run in self.streams)

    @property
    def media(self) -> tuple[Medium, ...]:
        """Tracks that the pass decodes."""
        wanted = {cast(StreamAnnotator, run.recipe).medium for run in self.streams if run.is_open}
        return tuple(medium for medium in Medium if medium in wanted)


@dataclass(frozen=True)
class Plan:
    """All runs of one video, stage by stage."""

    video_id: str
    runs: tuple[PlannedRun, ...]
    stages: tuple[Stage, ...] = field(default=())

    @property
    def passes(self) -> int:
        """How often the video will be demuxed and decoded."""
        return sum(stage.needs_decode for stage in self.stages)

    @property
    def is_done(self) -> bool:
        return not any(run.is_open for run in self.runs)

    def run_named(self, name: str) -> PlannedRun:
        for run in self.runs:
            if run.recipe.name == name:
                return run
        raise UnknownNameError("annotator of this plan", name, [run.recipe.name for run in self.runs])

    def explain(self) -> dict[str, Any]:
        """The plan as JSON values: passes with tracks, samplings and views, and every run with its reason."""
        return {
            "video_id": self.video_id,
            "passes": self.passes,
            "stages": [_explain_stage(stage) for stage in self.stages],
            "runs": [_explain_run(run) for run in self.runs],
        }


def _explain_stage(stage: Stage) -> dict[str, Any]:
    open_streams = [run for run in stage.streams if run.is_open]
    recipes = [cast(StreamAnnotator, run.recipe) for run in open_streams]
    views = {view for recipe in recipes if recipe.medium is Medium.VIDEO for view in recipe.views}
    return {
        "decodes": [medium.value for medium in stage.media],
        "streams": [recipe.name for recipe in recipes],
        "views": sorted(describe_view(view) for view in views),
        "sampling": {r.name: r.sampling.describe()["kind"] for r in recipes if r.medium is Medium.VIDEO},
        "then": [run.recipe.name for run in stage.offline if run.is_open],
    }


def describe_view(view: Any) -> str:
    """A view in a few words, e.g. ``bgr at most 1920 px`` or ``gray 64x36``."""
    if view.bound is not None:
        size = f"at most {view.bound} px"
    elif view.size is None:
        size = "full size"
    else:
        size = "x".join(str(side) if side else "auto" for side in view.size)
    return f"{view.pixel_format} {size}"


def _explain_run(run: PlannedRun) -> dict[str, Any]:
    return {
        "annotator": run.recipe.name,
        "version": run.recipe.version,
        "kind": run.recipe.kind.value,
        "options": run.recipe.options(),
        "requires": list(run.recipe.needs),
        "provides": list(run.recipe.provides),
        "stage": run.stage,
        "action": run.action.value,
        "reason": run.reason,
        "run_id": run.run_id,
    }


def make_recipes(names: Sequence[str], options: Mapping[str, Mapping[str, Any]]) -> tuple[Annotator, ...]:
    """Recipes by name with their options. Raises ``UnknownNameError`` for names and options that do not exist."""
    known = registry.names("annotators")
    for name in options:
        if name not in known:
            raise UnknownNameError("annotator (in options)", name, known)
    return tuple(registry.load("annotators", name).from_options(options.get(name, {})) for name in dict.fromkeys(names))


def resolve(
    recipes: Sequence[Annotator],
    options: Mapping[str, Mapping[str, Any]] | None = None,
    best_model: Callable[[str], str | None] | None = None,
) -> tuple[tuple[Annotator, ...], dict[str, tuple[str, ...]]]:
    """The recipes and everybody they need, providers first; and, by name, whom each needs.

    ``best_model``: makes every choice of a model that was left open, before anybody is asked what it needs.
    Raises ``PlanError`` where nobody, or more than one, provides what is required, or where needs go in a circle.
    """
    by_name = {recipe.name: _bound(recipe, best_model) for recipe in recipes}
    needs: dict[str, tuple[str, ...]] = {}
    waiting = list(by_name)
    while waiting:
        name = waiting.pop(0)
        needed = tuple(_provider(want, by_name[name], by_name) for want in by_name[name].needs)
        needs[name] = tuple(dict.fromkeys(needed))
        for provider in needs[name]:
            if provider not in by_name:
                by_name[provider] = _bound(make_recipes([provider], _only(options, provider))[0], best_model)
                waiting.append(provider)
    return tuple(by_name[name] for name in _in_order(needs)), needs


def _bound(recipe: Annotator, best_model: Callable[[str], str | None] | None) -> Annotator:
    return recipe if best_model is None else recipe.bound(best_model)


def _in_order(needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise PlanError(f"annotators need each other in a circle: {' -> '.join(error.args[1])}") from error


def _only(options: Mapping[str, Mapping[str, Any]] | None, name: str) -> dict[str, Mapping[str, Any]]:
    return {name: options[name]} if options and name in options else {}


def _provider(want: str, asker: Annotator, chosen: Mapping[str, Annotator]) -> str:
    if want in chosen or want in registry.names("annotators"):
        return want
    providers = sorted(name for name, recipe in chosen.items() if want in recipe.provides and name != asker.name)
    if not providers:
        providers = [
            name for name in registry.names("annotators") if want in registry.load("annotators", name).provides
        ]
    if len(providers) == 1:
        return providers[0]
    if not providers:
        raise PlanError(f"annotator {asker.name!r} requires {want!r}, which no annotator provides")
    raise PlanError(
        f"annotator {asker.name!r} requires {want!r}, which several provide ({', '.join(providers)}):"
        " it must name the annotator it means"
    )


WeightsOf = Callable[[str], str]
"""SHA-256 of the weights of a model, by its id in the catalogue."""


def no_weights(model_id: str) -> str:
    """For plans without a catalogue: a run whose weights nobody knows has no identity."""
    raise PlanError(f"the weights of model {model_id!r} are not known here, as no catalogue of models was given")


def weights_of(models: ModelAccess | None) -> WeightsOf:
    """The digests of a catalogue, if there is one; of no files at all for a model that nobody pinned or pulled."""
    return no_weights if models is None else lambda model_id: models.entry(model_id).sha256 or NO_FILES


def _weights_digest(recipe: Annotator, weights_of: WeightsOf) -> str | None:
    """The digest of the one model of a recipe, or one over those of all of them."""
    digests = [weights_of(model_id) for model_id in recipe.model_ids]
    return digest_of(digests) if len(digests) > 1 else next(iter(digests), None)


def make_specs(
    video_id: str,
    recipes: Sequence[Annotator],
    needs: Mapping[str, tuple[str, ...]],
    time_range: TimeRange = WHOLE_VIDEO,
    weights_of: WeightsOf = no_weights,
) -> dict[str, RunSpec]:
    """Run specs by annotator name; ``recipes`` bound, and in an order in which providers come first."""
    specs: dict[str, RunSpec] = {}
    for recipe in recipes:
        specs[recipe.name] = RunSpec(
            video_id=video_id,
            annotator=recipe.name,
            version=recipe.version,
            options=recipe.options(),
            weights_sha256=_weights_digest(recipe, weights_of),
            time_range=time_range,
            upstream=tuple(specs[name].run_key for name in needs[recipe.name]),
        )
    return specs


def make_plan(
    video_id: str,
    recipes: Sequence[Annotator],
    media: MediaInfo | None = None,
    time_range: TimeRange = WHOLE_VIDEO,
    stored: Callable[[str], RunRecord | None] = lambda run_id: None,
    weights_of: WeightsOf = no_weights,
) -> Plan:
    """``stored`` looks a run up by id; ``media=None`` means that the video was not probed yet.

    What ``recipes`` need and do not hold is added with default options; ``resolve`` first to give others.
    """
    ordered, needs = resolve(recipes)
    specs = make_specs(video_id, ordered, needs, time_range, weights_of)
    stages = _stages(ordered, needs)
    runs: dict[str, PlannedRun] = {}
    for recipe in ordered:
        upstream = [runs[name] for name in needs[recipe.name]]
        record = stored(specs[recipe.name].run_id)
        action, reason = _decide(recipe, record, upstream, media)
        runs[recipe.name] = PlannedRun(
            recipe=recipe,
            spec=specs[recipe.name],
            upstream=tuple(run.run_id for run in upstream),
            requires={run.recipe.name: run.recipe for run in upstream},
            stage=stages[recipe.name],
            action=action,
            reason=reason,
            record=record,
        )
    return Plan(video_id, tuple(runs.values()), _group(tuple(runs.values())))


def _stages(recipes: Sequence[Annotator], needs: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """A stream runs in the pass of the streams it needs, and in a later one if it needs anything else."""
    by_name = {recipe.name: recipe for recipe in recipes}
    stages: dict[str, int] = {}
    for recipe in recipes:
        stage = 0
        for name in needs[recipe.name]:
            later = recipe.kind is Kind.STREAM and by_name[name].kind is not Kind.STREAM
            stage = max(stage, stages[name] + later)
            _refuse_other_medium(recipe, by_name[name])
        stages[recipe.name] = stage
    return stages


def _refuse_other_medium(recipe: Annotator, needed: Annotator) -> None:
    if (
        isinstance(recipe, StreamAnnotator)
        and isinstance(needed, StreamAnnotator)
        and recipe.medium is not needed.medium
    ):
        raise PlanError(
            f"stream annotator {recipe.name!r} ({recipe.medium}) cannot follow {needed.name!r} ({needed.medium})"
            " input by input: make it a solver"
        )


def _decide(
    recipe: Annotator, record: RunRecord | None, upstream: Sequence[PlannedRun], media: MediaInfo | None
) -> tuple[Action, str | None]:
    if record is not None and record.status is RunStatus.COMPLETED:
        return Action.STORED, None
    if record is not None and record.status in (RunStatus.FAILED, RunStatus.SKIPPED):
        return Action.ENDED, record.reason
    missing = [run for run in upstream if run.action is Action.SKIP]
    if missing:
        return Action.SKIP, "upstream"
    if media is not None and isinstance(recipe, StreamAnnotator):
        if media.verdict.status == "rejected":
            return Action.SKIP, media.verdict.reason
        if recipe.medium is Medium.VIDEO and media.video is None:
            return Action.SKIP, "no_video"
    if record is not None and record.windows and not record.status.is_final:
        return Action.RESUME, None
    return Action.RUN, None


def _group(runs: Sequence[PlannedRun]) -> tuple[Stage, ...]:
    last = max((run.stage for run in runs), default=-1)
    return tuple(
        Stage(
            streams=tuple(run for run in runs if run.stage == number and run.recipe.kind is Kind.STREAM),
            offline=tuple(run for run in runs if run.stage == number and run.recipe.kind is not Kind.STREAM),
        )
        for number in range(last + 1)
    )
