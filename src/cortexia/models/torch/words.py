"""Words that a model chooses one after the other, and how sure it was of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def greedy(max_tokens: int) -> dict[str, Any]:
    """Settings of ``generate``: the likeliest token each time, at most so many, with the scores of each."""
    return {
        "max_new_tokens": max_tokens,
        "num_beams": 1,
        "do_sample": False,
        "return_dict_in_generate": True,
        "output_scores": True,
    }


def chosen(generated: Any) -> list[int]:
    """The tokens of one picture that were generated, without those that they began with."""
    return generated.sequences[0, -len(generated.scores) :].tolist() if generated.scores else []


def confidence(generated: Any, marks: Sequence[int]) -> float | None:
    """Mean probability of the tokens that were chosen, without ``marks``: ids of those that only mark begin and end.

    ``generated``: what ``generate`` gives for one picture with ``greedy``. ``None`` where no word was chosen.
    """
    sure = [
        float(scores[0].double().softmax(dim=-1)[token])
        for token, scores in zip(chosen(generated), generated.scores or (), strict=True)
        if token not in marks
    ]
    return float(np.mean(sure)) if sure else None
