"""Networks that know AudioSet's classes, as listeners."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._listeners import Score

Samples = NDArray[np.float32]


class TaggingListener:
    """``tag``: scores of ``classes`` in [0, 1] for a window of samples. ``labels``: the classes each label stands for;
    its score is that of the best of them. ``grid``: samples of a window, and from one to the next."""

    lead = 0

    def __init__(
        self,
        tag: Callable[[Samples], Samples],
        classes: Sequence[str],
        labels: Mapping[str, Sequence[str]],
        grid: tuple[int, int],
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._tag = tag
        self._classes = tuple(classes)
        place = {name: at for at, name in enumerate(classes)}
        self._labels = {label: [place[name] for name in names] for label, names in labels.items()}
        self.window, self.hop = grid
        self._close = close

    def scores(self, samples: Samples) -> list[Score]:
        found = self._tag(samples).astype(np.float64).round(4).tolist()
        made = []
        for label, places in self._labels.items():
            best = max(places, key=lambda at: found[at])
            made.append(Score(label, found[best], self._classes[best]))
        return made

    def close(self) -> None:
        self._close()
