"""Pictures of stored videos: those that are wanted, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from cortexia.decoders.base import DamageFound
from cortexia.decoders.choice import ContentDecoder
from cortexia.decoders.views import ViewMaker
from cortexia.footage import Footage
from cortexia.testing import ShotSpec, VideoSpec, read_frame_number
from cortexia.types import Verdict, VerdictStatus


@pytest.fixture
def clip(clips) -> Path:
    return clips("footage.mp4", VideoSpec(shots=(ShotSpec(2.0),), width=320, height=180))[0]


def facts(path: Path, status: VerdictStatus = VerdictStatus.OK):
    media = ContentDecoder().probe(path)
    return SimpleNamespace(identity=SimpleNamespace(video_id="v"), media=media, verdict=Verdict(status))


def footage(path: Path, decoder=None, **more) -> Footage:
    return Footage(lambda: decoder or ContentDecoder(), lambda video: path, lambda digest: b"", **more)


def numbers(made: Iterator[tuple[int, bytes]]) -> list[tuple[int, int | None]]:
    """Indexes, with the numbers painted into the pictures."""
    pictures = ((index, cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)) for index, jpeg in made)
    return [(index, read_frame_number(picture)) for index, picture in pictures]


def test_wanted_frames_come_out_and_only_they_get_pixels(clip, monkeypatch):
    made = []
    make = ViewMaker.make
    monkeypatch.setattr(ViewMaker, "make", lambda maker, frame, spec: made.append(spec) or make(maker, frame, spec))
    told: list[float] = []
    found = numbers(footage(clip, on_frame=told.append).decoded(facts(clip), iter([3, 17, 18, 40])))
    assert found == [(number, number) for number in (3, 17, 18, 40)]
    assert len(made) == 4
    assert len(told) == 40, "it is told of every frame, and nothing is decoded beyond the last one"


def test_what_does_not_come_out_is_passed_over(clip):
    assert numbers(footage(clip).decoded(facts(clip), iter([48, 49, 50, 99]))) == [(48, 48), (49, 49)]
    assert numbers(footage(clip).decoded(facts(clip), iter([]))) == []


@dataclass
class Damaged:
    """A decoder that meets damage after so many frames, time after time. ``threads``: of each pass."""

    after: list[int]
    threads: list[int]

    def open(self, path, media, request):
        self.threads.append(request.threads)
        return _Broken(ContentDecoder().open(path, media, request), self.after.pop(0) if self.after else None)


class _Broken:
    def __init__(self, stream, after):
        self._stream, self._after = stream, after

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._stream.__exit__(*exc)

    def __iter__(self):
        with self._stream as frames:
            ahead = []
            for number, frame in enumerate(frames):
                # a frame ahead, as decoders with threads are
                ahead.append(frame)
                if number == self._after:
                    raise DamageFound("damage")
                if len(ahead) > 1:
                    yield ahead.pop(0)
            yield from ahead


@pytest.mark.parametrize("after", [5, 18, 19, 30])
def test_damage_begins_anew_with_one_thread_and_gives_each_picture_once(clip, after):
    decoder = Damaged([after], [])
    found = numbers(footage(clip, decoder, threads=4).decoded(facts(clip), iter([3, 17, 18, 40])))
    assert found == [(number, number) for number in (3, 17, 18, 40)]
    assert decoder.threads == [4, 1]


def test_damage_that_stays_is_told(clip):
    decoder = Damaged([5, 5], [])
    with pytest.raises(DamageFound):
        list(footage(clip, decoder, threads=4).decoded(facts(clip), iter([3, 17])))


def test_a_video_with_known_damage_is_decoded_with_one_thread(clip):
    decoder = Damaged([], [])
    made = footage(clip, decoder, threads=4).decoded(facts(clip, VerdictStatus.PARTIAL), iter([3]))
    with closing(made):
        assert numbers(made) == [(3, 3)]
    assert decoder.threads == [1]
