"""The three kinds of annotator, and no fourth.

*Stream* annotators see frames or sound in order and keep a small state. *Sparse* ones work on stored key pictures.
*Solvers* read stored annotations only. Whatever needs the whole file is a stream that stores rows, plus a solver.

An annotator is a recipe: cheap, picklable, frozen. A session is the live worker that it makes for one video.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self, cast

from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.base import ModelAccess
from cortexia.models.chat import ChatModels
from cortexia.types import Annotation, AudioBlock, Frame, KeyPicture, MediaInfo, Progress, Sampling, ViewSpec

Emissions = Sequence[Sequence[Annotation]]
NextLook = Callable[[str | None, int, int], int | None]
"""``StreamAnnotator.next_look``."""
"""One list of annotations for each input of a batch: what that very input brought to light."""


class Kind(StrEnum):
    STREAM = "stream"
    SPARSE = "sparse"
    SOLVER = "solver"


class Medium(StrEnum):
    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class SessionContext:
    """What a session may know of the world: the video, and a way to keep a file beside the store.

    ``put_blob(data, suffix)`` stores bytes by content and returns their SHA-256 (hex); it is durable on return.
    ``models``: where weights come from; ``None`` in tests of annotators that need none. ``endpoints``: models behind
    an endpoint. ``moved``: to be called by whoever takes long over one picture; silence means that the work stalls.
    ``video_id``: SHA-256 (hex) of the video; empty where no row is stored.
    """

    media: MediaInfo
    put_blob: Callable[[bytes, str], str]
    models: ModelAccess | None = None
    endpoints: ChatModels | None = None
    moved: Callable[[], None] = lambda: None
    video_id: str = ""


@dataclass(frozen=True)
class Annotator:
    """Base of every recipe. Options are the dataclass fields of the subclass, and part of a run's identity.

    ``requires`` names the annotators whose rows it needs (or an annotation type, where a single annotator provides
    it; ``needs`` may say otherwise); ``provides`` the annotation types (short names) that it makes.
    ``cost`` is a rough CPU time in seconds per frame (or per second of sound) at 1080p, for estimates only.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    kind: ClassVar[Kind]
    requires: ClassVar[tuple[str, ...]] = ()
    provides: ClassVar[tuple[str, ...]] = ()
    cost: ClassVar[float] = 0.0
    deterministic: ClassVar[bool] = True

    @property
    def needs(self) -> tuple[str, ...]:
        """``requires`` of this very recipe: an option may take one more, or do without."""
        return self.requires

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The models of the catalogue that it works with; their weights are part of a run's identity."""
        return ()

    def bound(self, best_model: Callable[[str], str | None]) -> Self:
        """The recipe with every choice of a model made that was left open, so that the run's identity can be told.

        ``best_model(task)``: id of the best model for a task whose weights are here, or ``None``.
        """
        return self

    def options(self) -> dict[str, Any]:
        """Every option by name, as JSON values."""
        return {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """A recipe from JSON values. Raises ``UnknownNameError`` or ``ConfigurationError`` on a name or type amiss."""
        known = option_types(cls)
        for name, value in options.items():
            if name not in known:
                raise UnknownNameError(f"option of annotator {cls.name!r}", name, known)
            _check_option(cls.name, name, value, known[name])
        return cls(**{name: _coerce(value, known[name]) for name, value in options.items()})


def option_types(cls: type[Annotator]) -> dict[str, Any]:
    """Option names of a recipe class with their annotated types."""
    hints = typing.get_type_hints(cls)
    return {item.name: hints[item.name] for item in dataclasses.fields(cls)}


def _check_option(annotator: str, name: str, value: Any, wanted: Any) -> None:
    allowed = typing.get_args(wanted) or (wanted,)
    plain = tuple(kind for kind in allowed if isinstance(kind, type))
    if float in plain and isinstance(value, int) and not isinstance(value, bool):
        return
    if bool not in plain and isinstance(value, bool) and plain:
        raise ConfigurationError(f"option {name!r} of annotator {annotator!r} must be {wanted}, got {value!r}")
    if plain and not isinstance(value, plain):
        shown = " or ".join(kind.__name__ for kind in plain)
        raise ConfigurationError(f"option {name!r} of annotator {annotator!r} must be {shown}, got {value!r}")


def _coerce(value: Any, wanted: Any) -> Any:
    allowed = typing.get_args(wanted) or (wanted,)
    if float in allowed and int not in allowed and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


@dataclass(frozen=True)
class StreamAnnotator(Annotator):
    """Sees every sampled frame (or all sound) once, in order.

    ``batch_size``: inputs that ``process`` gets at once. ``ahead``: how many of those that follow ``begin`` is told of.
    """

    kind: ClassVar[Kind] = Kind.STREAM
    medium: ClassVar[Medium] = Medium.VIDEO
    batch_size: ClassVar[int] = 1
    ahead: ClassVar[int] = 0

    @property
    def sampling(self) -> Sampling:
        return Sampling.every()

    def next_look(self, label: str | None, start_us: int, end_us: int) -> int | None:
        """When, at the latest, a frame begins that is looked at for ``label`` after one shown in ``[start_us, end_us)``
        (microseconds from the origin); ``None`` where nobody knows. What is not found in it was lost."""
        return self.sampling.next_look(start_us, end_us)

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return ()

    def session(self, context: SessionContext) -> StreamSession:
        raise NotImplementedError


class StreamSession:
    """A live stream annotator. Results never depend on how inputs were batched, nor on where commits fell.

    ``process`` returns one list per input, and all it keeps between calls can be rebuilt from ``state()`` (JSON, at
    most 64 kB, never pixels) plus ``replay`` of the inputs from ``progress().replay_from`` on.
    """

    def begin(self, inputs: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        """What ``process`` is given next, in this order, and up to ``ahead`` of what comes after it, some of them told
        of before. A session with threads of its own begins on them, so that none waits for the end of a batch."""

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        """Take the next inputs. ``upstream[i]``: what required annotators emitted at ``inputs[i]``."""
        raise NotImplementedError

    def finish(self, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        """The input has ended: emit what was still open. ``upstream``: what required annotators emitted at the end."""
        return ()

    def state(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become the session that returned ``state``; inputs from ``replay_from`` on follow through ``replay``."""

    def replay(self, inputs: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        """Rebuild transient state from inputs already consumed before the restart. Emits nothing."""

    def progress(self) -> Progress:
        """``final_until=None`` means: everything consumed is final."""
        return Progress(final_until=None)

    def close(self) -> None:
        """Give back weights and handles."""


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A key picture as a sparse annotator receives it: the annotation and the JPEG bytes of the full picture.

    ``beside``: rows of the types that the annotator ``reads`` whose span holds the picture's time, in order of (start,
    type, id): the shot that it stands for, the boxes of its very frame. Their boxes are in pixels of the display;
    ``scale`` (across, down) takes them into the picture.
    """

    annotation: KeyPicture
    jpeg: bytes
    beside: tuple[Annotation, ...] = ()

    @property
    def scale(self) -> tuple[float, float]:
        across, down = self.annotation.display
        return self.annotation.width / across, self.annotation.height / down


@dataclass(frozen=True)
class SparseAnnotator(Annotator):
    """Works on the stored representatives of a video, without decoding it again.

    ``reads``: annotation types of which it is given, with each picture, what was said of that moment by those it
    requires. ``batch_size``: pictures that ``annotate`` gets at once; what was found is committed between two calls.
    """

    kind: ClassVar[Kind] = Kind.SPARSE
    requires: ClassVar[tuple[str, ...]] = ("frames",)
    reads: ClassVar[tuple[str, ...]] = ()

    @property
    def batch_size(self) -> int:
        return 8

    def session(self, context: SessionContext) -> SparseSession:
        raise NotImplementedError


class SparseSession:
    """A live sparse annotator. Keeps nothing between pictures that could change a result."""

    def annotate(self, pictures: Sequence[StoredPicture]) -> Emissions:
        """One list of annotations for each picture."""
        raise NotImplementedError

    def close(self) -> None:
        """Give back weights and handles."""


@dataclass(frozen=True)
class Solver(Annotator):
    """Reads stored annotations of the required types, and writes its own.

    Its rows are committed while it says them: what it keeps itself is all that grows with a long video. Rows of one
    type are best said in order of their start. It has to say the same again when it reads the same: after an
    interruption it begins anew, and what is stored by then is passed over.
    """

    kind: ClassVar[Kind] = Kind.SOLVER

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterable[Annotation]:
        raise NotImplementedError


@dataclass(frozen=True)
class StoredAnnotations:
    """Current rows of the required types, in order of (start, type, id). Can be read more than once."""

    read: Callable[[tuple[str, ...]], Iterable[Annotation]] = field(repr=False)
    recipes: Mapping[str, Annotator] = field(default_factory=dict)
    """Whose rows they are, by name."""

    def of(self, *types: str) -> Iterable[Annotation]:
        return self.read(types)

    def next_look(self, annotator: str) -> NextLook:
        """``StreamAnnotator.next_look`` of the one whose rows are read."""
        return cast(StreamAnnotator, self.recipes[annotator]).next_look
