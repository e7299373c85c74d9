"""Which annotator works with which model, where somebody names models by where they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from cortexia import registry
from cortexia.annotators.base import option_types
from cortexia.batch.batch_file import BatchEntry
from cortexia.config import Settings, merged_options
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.adoption import shown_source
from cortexia.models.shop import ModelShop
from cortexia.pipelines import annotators_of
from cortexia.plan import make_recipes, resolve

OPTION = "model"
USUAL = "objects"
"""Who is meant where several could be."""

Options = Mapping[str, Mapping[str, Any]]
_NAMED = re.compile(r"(?P<annotator>[a-z][a-z0-9_]*)=(?P<source>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """``source`` of a model, for the option ``model`` of ``annotator``; ``None``: whoever has that option."""

    annotator: str | None
    source: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``[ANNOTATOR=]SOURCE``. Raises ``UnknownNameError`` for an annotator without the option."""
        found = _NAMED.fullmatch(text)
        if found is None:
            return cls(None, text)
        if found["annotator"] not in registry.names("annotators") or not takes_model(found["annotator"]):
            able = [name for name in registry.names("annotators") if takes_model(name)]
            raise UnknownNameError("annotator with an option 'model'", found["annotator"], able)
        return cls(found["annotator"], found["source"])


def takes_model(annotator: str) -> bool:
    return OPTION in option_types(registry.load("annotators", annotator))


class ModelVersions:
    """Models that were named, each adopted once. ``tell`` hears what ``Adoption`` tells, and ``model_chosen``
    (``annotator``, ``model``, ``source``)."""

    def __init__(self, models: ModelShop, texts: Iterable[str], tell: Callable[[Mapping[str, Any]], None]) -> None:
        self._models = models
        self._versions = tuple(map(ModelVersion.parse, texts))
        self._tell = tell
        self._ids: dict[tuple[str, str], str] = {}

    def options_for(self, annotators: Sequence[str], options: Options) -> dict[str, dict[str, Any]]:
        """Options, by annotator, that name the models. ``annotators``: those asked for, with their ``options``.

        Raises ``ConfigurationError`` where nobody takes a model, or it is not clear who is meant, and what
        ``Adoption.adopt`` raises.
        """
        receivers = [version.annotator or self._receiver(annotators, options) for version in self._versions]
        for name in receivers:
            if receivers.count(name) > 1:
                raise ConfigurationError(f"two models are named for {name!r}; say --model-version ANNOTATOR=SOURCE")
        return {
            name: {OPTION: self._adopted(name, version.source)}
            for name, version in zip(receivers, self._versions, strict=True)
        }

    def applied(self, entry: BatchEntry, settings: Settings) -> BatchEntry:
        """As ``options_for``, for what a batch file asks of a video."""
        words = entry.config.get("pipelines")
        given = entry.config.get("options", {})
        options = {**settings.options, **given}
        if words:
            names: Sequence[str] = annotators_of("|".join(words))
        else:
            preset = self._models.choose_preset(entry.config.get("preset", settings.preset)).preset
            names, options = preset.annotators, preset.options_under(options)
        chosen = self.options_for(names, options)
        if not chosen:
            return entry
        # options of a batch file stand for all of an annotator's: what the settings say must come along
        below = {name: {**settings.options.get(name, {})} for name in chosen if name not in given}
        merged = merged_options(merged_options(below, given), chosen)
        return replace(entry, config={**entry.config, "options": merged})

    def _receiver(self, annotators: Sequence[str], options: Options) -> str:
        """Of those asked for the one that takes a model; where none does, of those that they need."""
        able = list(filter(takes_model, annotators))
        if not able:
            recipes, _ = resolve(make_recipes(annotators, options), options, self._models.best)
            able = [recipe.name for recipe in recipes if takes_model(recipe.name)]
        if len(able) == 1 or USUAL in able:
            return USUAL if USUAL in able else able[0]
        if not able:
            raise ConfigurationError(f"none of {', '.join(annotators)} takes a model; name one with --annotators")
        raise ConfigurationError(
            f"several take a model ({', '.join(sorted(able))}); say which: --model-version {able[0]}=SOURCE"
        )

    def _adopted(self, annotator: str, source: str) -> str:
        key = annotator, source
        if key not in self._ids:
            self._ids[key] = self._models.adopt(source, self._tell).id
            chosen = {"annotator": annotator, "model": self._ids[key], "source": shown_source(source)}
            self._tell({"event": "model_chosen", **chosen})
        return self._ids[key]
