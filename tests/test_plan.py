"""Plans: needs first, passes counted, problems named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from recipes import Beats, Boxes, CountBoxes, NeedsBoxes, Pictures, Steps

from cortexia.annotators.base import Medium, StreamAnnotator
from cortexia.errors import ConfigurationError, PlanError, UnknownNameError
from cortexia.plan import Action, describe_view, make_plan, make_recipes, resolve
from cortexia.stores.base import RunRecord
from cortexia.types import RunStatus, ViewSpec

VIDEO = "f" * 64


@dataclass(frozen=True)
class After(StreamAnnotator):
    """A stream that needs what only a solver can give."""

    name: ClassVar[str] = "after"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("count_boxes",)
    provides: ClassVar[tuple[str, ...]] = ("caption",)


@dataclass(frozen=True)
class WrongMedium(StreamAnnotator):
    name: ClassVar[str] = "wrong_medium"
    version: ClassVar[str] = "1"
    medium: ClassVar[Medium] = Medium.AUDIO
    requires: ClassVar[tuple[str, ...]] = ("boxes",)


@dataclass(frozen=True)
class Circular(StreamAnnotator):
    name: ClassVar[str] = "circular"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("circular",)


@dataclass(frozen=True)
class Wants(StreamAnnotator):
    name: ClassVar[str] = "wants"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("detection",)


@dataclass(frozen=True)
class MoreBoxes(Boxes):
    name: ClassVar[str] = "more_boxes"


@dataclass(frozen=True)
class WantsNothingKnown(StreamAnnotator):
    name: ClassVar[str] = "wants_nothing_known"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("telepathy",)


def names(plan) -> list[str]:
    return [run.recipe.name for run in plan.runs]


def test_needs_come_first_and_one_pass_serves_all_streams():
    plan = make_plan(VIDEO, [NeedsBoxes(), CountBoxes(), Steps(), Beats(), Boxes()])
    assert plan.passes == 1
    assert names(plan).index("boxes") < names(plan).index("needs_boxes")
    assert plan.stages[0].media == (Medium.VIDEO, Medium.AUDIO)
    assert {run.recipe.name for run in plan.stages[0].offline} == {"count_boxes"}


def test_what_is_needed_is_added():
    ordered, needs = resolve(make_recipes(["shot_summary"], {}))
    assert {recipe.name for recipe in ordered} == {"shots", "frames", "loudness", "shot_summary"}
    assert needs["frames"] == ("shots",)


def test_options_reach_what_is_added():
    plan = make_plan(VIDEO, resolve(make_recipes(["frames"], {}), {"shots": {"min_shot_s": 2.0}})[0])
    other = make_plan(VIDEO, make_recipes(["frames"], {}))
    assert plan.run_named("shots").spec.run_key != other.run_named("shots").spec.run_key
    assert plan.run_named("frames").spec.run_key != other.run_named("frames").spec.run_key


def test_a_stream_after_a_solver_takes_a_second_pass():
    plan = make_plan(VIDEO, [Boxes(), CountBoxes(), After()])
    assert plan.passes == 2
    assert plan.run_named("after").stage == 1


def test_a_type_with_one_provider_will_do():
    plan = make_plan(VIDEO, [Boxes(), Wants()])
    assert plan.run_named("wants").upstream == (plan.run_named("boxes").run_id,)


@pytest.mark.parametrize(
    ("recipes", "hint"),
    [
        ([Boxes(), WrongMedium()], "make it a solver"),
        ([Circular()], "in a circle"),
        ([Boxes(), MoreBoxes(), Wants()], "several provide"),
        ([WantsNothingKnown()], "no annotator provides"),
    ],
)
def test_broken_needs_are_explained(recipes, hint):
    with pytest.raises(PlanError, match=hint):
        make_plan(VIDEO, recipes)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"did you mean 'shots'.*known: .*loudness"):
        make_recipes(["shotz"], {})
    with pytest.raises(UnknownNameError, match="annotator \\(in options\\)"):
        make_recipes(["shots"], {"shotz": {}})
    with pytest.raises(UnknownNameError, match="option of annotator"):
        make_recipes(["shots"], {"shots": {"nonsense": 1}})
    with pytest.raises(ConfigurationError, match="must be"):
        make_recipes(["frames"], {"frames": {"per_shot": "three"}})
    with pytest.raises(ConfigurationError, match="must be"):
        make_recipes(["frames"], {"frames": {"per_shot": True}})
    with pytest.raises(UnknownNameError, match="annotator of this plan"):
        make_plan(VIDEO, [Boxes()]).run_named("shots")


@dataclass(frozen=True)
class Weighty(Boxes):
    name: ClassVar[str] = "weighty"
    models: str = "one,two"

    @property
    def model_ids(self) -> tuple[str, ...]:
        return tuple(self.models.split(","))


def test_weights_are_part_of_a_run():
    def key(models: str, **digests: str) -> str:
        plan = make_plan(VIDEO, [Weighty(models=models)], weights_of=digests.__getitem__)
        return plan.run_named("weighty").spec.weights_sha256

    assert key("one", one="a") == "a"
    assert key("one,two", one="a", two="b") != key("one,two", one="b", two="a")


def test_a_run_whose_weights_nobody_knows_is_refused():
    with pytest.raises(PlanError, match="weights of model 'one' are not known"):
        make_plan(VIDEO, [Weighty()])


def test_what_is_stored_is_not_run_again():
    first = make_plan(VIDEO, [Boxes(), NeedsBoxes(), CountBoxes()])

    def stored(run_id: str) -> RunRecord | None:
        run = next(run for run in first.runs if run.run_id == run_id)
        if run.recipe.name == "boxes":
            return RunRecord(run.spec, run_id, RunStatus.COMPLETED)
        if run.recipe.name == "needs_boxes":
            return RunRecord(run.spec, run_id, RunStatus.RUNNING, windows=2, position=50)
        return None

    plan = make_plan(VIDEO, [Boxes(), NeedsBoxes(), CountBoxes()], stored=stored)
    actions = {run.recipe.name: run.action for run in plan.runs}
    assert actions == {"boxes": Action.STORED, "needs_boxes": Action.RESUME, "count_boxes": Action.RUN}
    assert plan.passes == 1
    done = make_plan(VIDEO, [Boxes()], stored=stored)
    assert done.is_done
    assert done.passes == 0


def test_a_plan_explains_itself():
    plan = make_plan(VIDEO, [Boxes(), Pictures(), CountBoxes()])
    told = plan.explain()
    assert told["passes"] == 1
    assert told["stages"][0]["decodes"] == ["video"]
    assert told["stages"][0]["sampling"] == {"boxes": "every", "pictures": "keyframes"}
    assert told["stages"][0]["then"] == ["count_boxes"]
    assert {run["annotator"]: run["requires"] for run in told["runs"]}["count_boxes"] == ["boxes"]


def test_views_are_described_in_words():
    assert describe_view(ViewSpec()) == "bgr full size"
    assert describe_view(ViewSpec(bound=320)) == "bgr at most 320 px"
    assert describe_view(ViewSpec(size=(64, 0), pixel_format="gray")) == "gray 64xauto"
