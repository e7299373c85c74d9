"""Looking things up in a store: which videos a word names, what is stored of them, and where nobody looked yet."""

from __future__ import annotations

import dataclasses
import difflib
import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cortexia import registry
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.stores.base import RunRecord, StorageBackend, VideoRecord
from cortexia.types import ANNOTATION_TYPES, Query, RunStatus, TimeRange

SHORT_ID = 12
"""Characters of an id that are shown to people; four are enough to name a video."""

_PREFIX_MIN = 4
_NAMES_TOLD = 10
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """A stored video with its current runs."""

    record: VideoRecord
    runs: tuple[RunRecord, ...]

    @property
    def annotators(self) -> tuple[str, ...]:
        """Annotators that completed."""
        return tuple(sorted({run.spec.annotator for run in self.runs if run.status is RunStatus.COMPLETED}))

    @property
    def rows(self) -> int:
        """Annotations that queries see."""
        return sum(run.annotation_count for run in self.runs if run.status is not RunStatus.FAILED)


@dataclass(frozen=True, slots=True)
class NotLooked:
    """A video of a query that was not, or not wholly, looked at. ``annotators``: who could; ``why``: in words."""

    record: VideoRecord
    annotators: tuple[str, ...]
    why: str


def stored_videos(store: StorageBackend, name: str | None = None, verdict: str | None = None) -> Iterator[StoredVideo]:
    """Videos in order of id. ``name``: pattern of the file name (``*``, ``?``, ``[abc]``), or a part of it where it has
    none of these; case does not count. ``verdict``: ``ok``, ``partial`` or ``rejected``."""
    for record in store.videos():
        if name is not None and not _matches(record.identity.filename, name):
            continue
        if verdict is not None and (record.verdict is None or record.verdict.status != verdict):
            continue
        yield StoredVideo(record, tuple(store.runs(record.identity.video_id)))


def _matches(filename: str, pattern: str) -> bool:
    whole = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
    return fnmatch.fnmatchcase(filename.casefold(), whole.casefold())


def video_ids(store: StorageBackend, words: Iterable[str]) -> tuple[str, ...]:
    """Ids of the videos that ``words`` name: an id, a file name (every video of that name), or the beginning of an id,
    at least four characters that fit one video only.

    Raises ``UnknownNameError`` for a word that names none, with the ten nearest names, and ``ConfigurationError`` for
    one that fits several.
    """
    words = tuple(words)
    if not words:
        return ()
    names = {record.identity.video_id: record.identity.filename for record in store.videos()}
    return tuple(dict.fromkeys(found for word in words for found in _named(word, names)))


def _named(word: str, names: dict[str, str]) -> Sequence[str]:
    if word in names:
        return [word]
    by_name = [video_id for video_id, name in names.items() if name == word]
    if by_name:
        return by_name
    fitting = [video_id for video_id in names if video_id.startswith(word.lower())] if _is_prefix(word) else []
    if len(fitting) > 1:
        raise ConfigurationError(f"{word!r} is the beginning of {len(fitting)} video ids; give more of it")
    if not fitting:
        known = sorted(set(names.values()))
        if len(known) > _NAMES_TOLD:
            known = difflib.get_close_matches(word, known, n=_NAMES_TOLD, cutoff=0.0)
        raise UnknownNameError("video", word, known)
    return fitting


def _is_prefix(word: str) -> bool:
    return len(word) >= _PREFIX_MIN and _HEX.issuperset(word.lower())


def job_id_of(store: StorageBackend, word: str) -> str:
    """Id of the job that ``word`` names: an id, or its beginning, at least four characters that fit one job only.
    Raises ``ConfigurationError``."""
    known = store.job(word)
    if known is not None:
        return known.job_id
    return _only("job", word, (job.job_id for job in store.jobs()), "cortexia jobs list")


def batch_id_of(store: StorageBackend, word: str | None) -> str:
    """As ``job_id_of``, for a batch; ``None`` names the one that began last."""
    known = [batch.batch_id for batch in store.batches()]
    if word is None:
        if not known:
            raise ConfigurationError(f"there is no batch in {store.location}; cortexia batch run makes one")
        return known[-1]
    return word if word in known else _only("batch", word, known, "cortexia batch list")


def _only(what: str, word: str, known: Iterable[str], listing: str) -> str:
    fitting = [name for name in known if name.startswith(word)] if len(word) >= _PREFIX_MIN else []
    if len(fitting) > 1:
        raise ConfigurationError(f"{word!r} is the beginning of {len(fitting)} {what} ids; give more of it")
    if not fitting:
        raise ConfigurationError(f"there is no {what} {word!r}; see: {listing}")
    return fitting[0]


def require_types(types: Iterable[str]) -> None:
    """Raise ``UnknownNameError`` for a name that is no annotation type."""
    for name in types:
        if name not in ANNOTATION_TYPES:
            raise UnknownNameError("annotation type", name, ANNOTATION_TYPES)


def providers(query: Query) -> tuple[str, ...]:
    """Annotators whose rows ``query`` may give: those it names, else those that make its types, else all."""
    if query.annotators:
        return query.annotators
    names = registry.names("annotators")
    if not query.types:
        return names
    return tuple(name for name in names if set(query.types) & set(registry.load("annotators", name).provides))


def not_looked(store: StorageBackend, query: Query) -> Iterator[NotLooked]:
    """The videos of ``query`` of which no run of a fitting annotator completed over all of the time asked for, and
    that have no fitting rows either. A query that names neither type nor annotator may mean any: there, every run
    that failed or has not ended counts."""
    able = providers(query)
    is_open = not (query.types or query.annotators)
    for video in stored_videos(store):
        video_id = video.record.identity.video_id
        if query.video_ids and video_id not in query.video_ids:
            continue
        runs = [run for run in video.runs if is_open or run.spec.annotator in able]
        looked = any(_covers(run, query, video.record) for run in runs)
        undone = [run for run in runs if is_open and looked and _is_undone(run)]
        if looked and not undone:
            continue
        if next(iter(store.find(dataclasses.replace(query, video_ids=(video_id,), limit=1))), None) is None:
            names = tuple(sorted({run.spec.annotator for run in undone}))
            yield NotLooked(video.record, names or able, _why(undone or runs))


def _is_undone(run: RunRecord) -> bool:
    return run.status is RunStatus.FAILED or not run.status.is_final


def _covers(run: RunRecord, query: Query, record: VideoRecord) -> bool:
    """Whether ``run`` completed over the part that ``query`` asks for."""
    done, duration = run.spec.time_range, record.media.duration_s if record.media else None
    if run.status is not RunStatus.COMPLETED:
        return False
    wanted_end = duration if query.end_s is None else query.end_s
    begins = done.start_s is None or (query.start_s or 0.0) >= done.start_s
    return begins and (done.end_s is None or (wanted_end is not None and wanted_end <= done.end_s))


def _why(runs: Sequence[RunRecord]) -> str:
    if not runs:
        return "not looked at yet"
    return "; ".join(_run_words(run) for run in runs)


def _run_words(run: RunRecord) -> str:
    if run.status is RunStatus.COMPLETED:
        return f"{run.spec.annotator} looked only {_range_words(run.spec.time_range)}"
    if run.status.is_final:
        return f"{run.spec.annotator} {run.status} ({run.reason})"
    return f"{run.spec.annotator} has not finished"


def _range_words(part: TimeRange) -> str:
    ends = ((part.start_s, "from"), (part.end_s, "up to"))
    return " ".join(f"{word} {value:g} s" for value, word in ends if value is not None)
