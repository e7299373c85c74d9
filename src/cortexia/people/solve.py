"""Identities across videos: members of all of them, grouped by what their faces look like and by what people said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np

from cortexia.clustering import grouped
from cortexia.people.labels import Labels
from cortexia.people.members import Floats, Member, Place, Stay, VideoPeople
from cortexia.people.places import Finder
from cortexia.people.statements import Noted, Said, said, settled
from cortexia.types import Identity, Timestamp, digest_of

VERSION = "1"


@dataclass(frozen=True, slots=True)
class Rules:
    """``similarity``: the mean cosine of their faces from which on members are one human being."""

    similarity: float = 0.363

    def key(self) -> dict[str, object]:
        return {"version": VERSION, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Solution:
    """``rows``: by video. ``letters``: how many of the labels ``Person A``, ``Person B``, ... were ever given."""

    rows: Mapping[str, tuple[Identity, ...]]
    letters: int


class Who(NamedTuple):
    """What an identity is called; ``is_named``: by people."""

    identity_id: str
    label: str
    is_named: bool


@dataclass
class Crowd:
    """All members, numbered in the order of their videos and of first appearance."""

    videos: Sequence[VideoPeople]
    members: list[tuple[VideoPeople, Member]] = field(default_factory=list)
    number: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for video in self.videos:
            for member in video.members:
                self.number[video.video_id, member.name] = len(self.members)
                self.members.append((video, member))

    def noted(self, finder: Finder) -> Iterator[Noted]:
        """Every note of a settled statement whose place shows a member."""
        made = settled(note for video in self.videos for note in video.notes)
        for video in self.videos:
            for note in video.notes:
                place = Place(note.frame, note.span.start.seconds, note.box)
                if note.statement in made and (found := finder.member_at(video, place)) is not None:
                    yield note, self.number[video.video_id, found.name]

    def remembered(self, finder: Finder) -> Iterator[tuple[Identity, int]]:
        """Every row of the last time, and who it is about. Ids mean what they meant where the runs are the same."""
        for video in self.videos:
            for row in video.known:
                if row.source == video.source:
                    found = video.member_with(row.face_id or row.person_id)
                elif row.bbox is None or row.frame_index is None or row.seen_s is None:
                    found = None
                else:
                    found = finder.member_at(video, Place(row.frame_index, row.seen_s, row.bbox))
                if found is not None:
                    yield row, self.number[video.video_id, found.name]

    def vectors(self) -> Floats:
        """(members, d), of the model that most are of; zeros for others, which cannot be compared with them."""
        counts = Counter(member.model for _, member in self.members if member.model is not None)
        model = min(counts, key=lambda name: (-counts[name], name), default=None)
        own = [(at, member.vector) for at, (_, member) in enumerate(self.members) if member.model == model]
        table = np.zeros((len(self.members), len(own[0][1]) if own and own[0][1] is not None else 1))
        for at, vector in own:
            if vector is not None:
                table[at] = vector
        return table

    def at_once(self) -> Iterator[tuple[int, int]]:
        """Pairs of members with faces that are seen at the same time."""
        for video in self.videos:
            spans = sorted(
                (
                    (seen.span.start, seen.span.end, self.number[video.video_id, member.name])
                    for member in video.members
                    if member.vector is not None
                    for seen in member.stays
                ),
                key=lambda item: (item[0], item[2]),
            )
            going: list[tuple[Timestamp, int]] = []
            for start, end, number in spans:
                going = [(until, other) for until, other in going if until > start]
                yield from ((other, number) for _, other in going if other != number)
                going.append((end, number))


def solve(videos: Sequence[VideoPeople], finder: Finder, rules: Rules, letters: int = 0) -> Solution:
    """The identities of ``videos``, in the order in which they came. ``letters``: labels that were given before."""
    crowd = Crowd(videos)
    noted = list(crowd.noted(finder))
    heard = said(noted)
    groups = _groups(crowd, heard, rules)
    members: dict[int, list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        members[group].append(number)
    labels = Labels(letters)
    named = _names(crowd, heard, members, labels, finder)
    stated = {number for _, number in noted}
    rows = _Rows(crowd, finder, stated)
    made = {video.video_id: rows.of(video, named, groups) for video in videos}
    return Solution(made, labels.given)


def _groups(crowd: Crowd, heard: Said, rules: Rules) -> list[int]:
    """The group of each member. First by their looks, as if nobody had joined any: so what people join are whole
    identities, also where they are seen at the same time."""
    together, apart = heard.constraints()
    apart |= set(crowd.at_once())
    vectors = crowd.vectors()
    first: dict[int, int] = {}
    alike: list[int] = grouped(vectors, rules.similarity, (), apart, heard.late).tolist()
    if not together:
        return alike
    together |= {(first.setdefault(group, number), number) for number, group in enumerate(alike)}
    joined: list[int] = grouped(vectors, rules.similarity, together, apart, heard.late).tolist()
    return joined


def _names(
    crowd: Crowd, heard: Said, members: Mapping[int, list[int]], labels: Labels, finder: Finder
) -> dict[int, Who]:
    """Who each group is: what people said, else what it was called before, else the next label."""
    votes = _votes(crowd, members, labels, finder)
    names = {group: heard.name_among(numbers) for group, numbers in members.items()}
    kept = _kept(votes, {group for group, name in names.items() if name is not None})
    taken = {identity_id for identity_id, _ in kept.values()}
    found: dict[int, Who] = {}
    for group, numbers in members.items():
        name = names[group]
        if name is not None:
            found[group] = Who(identity_id_of(name.casefold()), name, True)
        elif group in kept:
            found[group] = Who(*kept[group], False)
        else:
            found[group] = Who(_new_id(crowd, numbers[0], taken), labels.next(), False)
    return found


def _votes(
    crowd: Crowd, members: Mapping[int, list[int]], labels: Labels, finder: Finder
) -> Counter[tuple[int, str, str]]:
    """Microseconds that a group shares with an identity without a name, of the last time: by group, id and label."""
    group_of = {number: group for group, numbers in members.items() for number in numbers}
    votes: Counter[tuple[int, str, str]] = Counter()
    for row, number in crowd.remembered(finder):
        labels.saw(str(row.label))
        if not row.is_named:
            votes[group_of[number], row.identity_id, str(row.label)] += max(1, round(row.seconds * 1e6))
    return votes


def _kept(votes: Counter[tuple[int, str, str]], named: set[int]) -> dict[int, tuple[str, str]]:
    """Ids and labels of the last time, each to the one group that it overlaps most (in seconds on screen)."""
    kept: dict[int, tuple[str, str]] = {}
    given: set[str] = set()
    for (group, identity_id, label), _ in sorted(votes.items(), key=lambda item: (-item[1], item[0])):
        if group not in kept and group not in named and identity_id not in given:
            kept[group] = (identity_id, label)
            given.add(identity_id)
    return kept


def identity_id_of(value: object) -> str:
    return f"identity_{digest_of(value)[:12]}"


def _new_id(crowd: Crowd, number: int, taken: set[str]) -> str:
    """From the earliest member; never one that is in use."""
    video, member = crowd.members[number]
    start = member.stays[0].span.start.micros()
    for attempt in range(len(taken) + 1):
        made = identity_id_of([video.video_id, start, member.name, attempt])
        if made not in taken:
            taken.add(made)
            return made
    raise AssertionError  # pragma: no cover - there are more attempts than ids


class _Rows:
    def __init__(self, crowd: Crowd, finder: Finder, stated: set[int]) -> None:
        self._crowd, self._finder, self._stated = crowd, finder, stated

    def of(self, video: VideoPeople, named: Mapping[int, Who], groups: Sequence[int]) -> tuple[Identity, ...]:
        """A row for each stay, by its start."""
        before = {row.track_id: _place(row) for row in video.known if row.source == video.source}
        made = []
        for member in video.members:
            number = self._crowd.number[video.video_id, member.name]
            for seen in member.stays:
                place = seen.place or before.get(seen.track_id) or self._look(video, member, seen)
                made.append(_row(video, member, seen, place, named[groups[number]], number in self._stated))
        return tuple(sorted(made, key=lambda row: (row.span.start, str(row.track_id))))

    def _look(self, video: VideoPeople, member: Member, seen: Stay) -> Place | None:
        alone = Member(member.video_id, member.face_id, (seen,))
        return self._finder.place_of(video, alone)


def _place(row: Identity) -> Place | None:
    if row.frame_index is None or row.seen_s is None or row.bbox is None:
        return None
    return Place(row.frame_index, row.seen_s, row.bbox)


def _row(video: VideoPeople, member: Member, seen: Stay, place: Place | None, who: Who, stated: bool) -> Identity:
    return Identity(
        span=seen.span,
        label=who.label,
        frame_index=place.frame_index if place else None,
        bbox=place.box if place else None,
        track_id=seen.track_id,
        identity_id=who.identity_id,
        is_named=who.is_named,
        seconds=round(seen.seconds, 6),
        source=video.source,
        seen_s=place.time_s if place else None,
        is_stated=stated,
        person_id=seen.person_id,
        face_id=member.face_id,
        face_tracks=tuple(str(face.track_id) for face in seen.faces),
    )
