"""Damaged input: told as it is, with the same rows however often the run was stopped (F1, F2, F4)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import av.logging
import pytest
from decoding import BGR, decode
from harness import Lab

from cortexia.annotators.frames import Frames
from cortexia.annotators.loudness import Loudness
from cortexia.annotators.shots import Shots
from cortexia.decoders.base import DamageFound
from cortexia.decoders.damage import ERROR_LOG, Damage, said
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.stores import open_store
from cortexia.testing import SCENES, Camera, ShotSpec, SoundSpec, VideoSpec, tone
from cortexia.types import JobState, Sampling, VideoIdentity


def bent(path: Path, out: Path, first: float, last: float, flips: int, seed: int = 7) -> Path:
    """A copy with ``flips`` bytes changed between two shares of its length."""
    data = bytearray(path.read_bytes())
    rng = random.Random(seed)
    for _ in range(flips):
        data[rng.randrange(int(first * len(data)), int(last * len(data)))] ^= 1 << rng.randrange(8)
    out.write_bytes(data)
    return out


@pytest.fixture
def sound_clip(clips) -> Path:
    """Eight seconds; MPEG-TS, whose packets are found again after damage."""
    shots = tuple(ShotSpec(2.0, scene=scene, camera=Camera(pan_x=0.1), grain=2.0) for scene in sorted(SCENES)[:4])
    sound = SoundSpec(events=(tone(0.5, 1.0), tone(5.0, 2.0)))
    return clips("to-bend.mkv", VideoSpec(320, 180, shots=shots, sound=sound, gop=25, bframes=2))[0]


@pytest.fixture
def damaged(sound_clip, tmp_path) -> Path:
    return bent(sound_clip, tmp_path / "damaged.mkv", 0.6, 0.8, 40)


def test_damage_is_counted_and_dated(damaged):
    found = decode(damaged, threads=1, audio=True)
    verdict = found.verdict
    assert verdict.status == "partial"
    assert verdict.reason in ("corrupt_frames", "decode_errors")
    assert verdict.error_count + verdict.frames_corrupt > 0
    assert verdict.first_error
    assert "\n" not in verdict.message
    assert sum(frame.is_corrupt for frame in found.frames) == verdict.frames_corrupt
    assert 0 < len(found.frames) <= 200
    assert verdict.last_good_s > 4


def test_several_threads_stop_at_the_first_damage(damaged, sound_clip):
    with pytest.raises(DamageFound):
        decode(damaged, threads=2)
    assert decode(sound_clip, threads=2).verdict.status == "ok"


def test_one_thread_decodes_the_same_twice(damaged):
    first, second = (decode(damaged, threads=1, views=(BGR,)) for _ in range(2))
    assert len(first.frames) == len(second.frames)
    assert all((a.view(BGR) == b.view(BGR)).all() for a, b in zip(first.frames, second.frames, strict=True))


def test_sampling_a_damaged_clip_gives_frames_of_the_whole_pass(damaged):
    """Nothing is skipped with one thread, so every sampling sees the same pictures."""
    whole = {frame.index: frame for frame in decode(damaged, threads=1, views=(BGR,)).frames}
    for frame in decode(damaged, Sampling.each_nth(10), threads=1, views=(BGR,)).frames:
        assert (frame.view(BGR) == whole[frame.index].view(BGR)).all()


@dataclass
class RealLab(Lab):
    """The lab with a real clip and the real decoder."""

    source: Path = Path()

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.video = self.source
        self.identity = VideoIdentity("d" * 64, str(self.source), self.source.name, self.source.stat().st_size)

    def verdict(self):
        store = open_store(str(self.folder / "lab.db"))
        try:
            return store.video(self.identity.video_id).verdict
        finally:
            store.close()


def lab(folder: Path, source: Path) -> RealLab:
    return RealLab(folder, PyAVDecoder(), (Shots(), Frames(), Loudness()), source=source)


@pytest.mark.parametrize("seed", [7, 8])
def test_a_stopped_run_over_a_damaged_clip_ends_like_an_undisturbed_one(sound_clip, tmp_path, seed):
    """Windows committed before the damage was met stay; what follows is decoded with one thread."""
    source = bent(sound_clip, tmp_path / "damaged.mkv", 0.5, 0.9, 30, seed)
    undisturbed = lab(tmp_path / "undisturbed", source)
    assert undisturbed.run(window_s=1e9) is JobState.COMPLETED
    verdict = undisturbed.verdict()
    assert verdict.status == "partial"
    for die_after in (1, 3, 5):
        stopped = lab(tmp_path / f"stopped-{die_after}", source)
        stopped.run(window_s=0.8, die_after=die_after)
        assert stopped.run(window_s=0.8) is JobState.COMPLETED
        assert stopped.digest() == undisturbed.digest()
        assert stopped.verdict() == verdict


def test_the_pass_begins_again_with_one_thread(damaged, tmp_path):
    restarted = lab(tmp_path / "lab", damaged)
    restarted.run(window_s=0.8)
    decoded = next(event for event in restarted.events if event["event"] == "decoded")
    # twice both tracks: the first attempt had two threads
    assert (decoded["passes"], decoded["contexts_opened"]) == (1, 4)


def test_a_truncated_clip_is_partial_or_short(sound_clip, tmp_path):
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(sound_clip.read_bytes()[: sound_clip.stat().st_size // 2])
    found = decode(cut, threads=1)
    assert 0 < len(found.frames) < 200
    assert found.verdict.frames_decoded == len(found.frames)


# -- the ledger


def test_what_a_call_raises_is_damage_and_no_crash():
    damage = Damage(strict=False)

    def fail() -> None:
        raise ValueError("broken\nbits\x00")

    assert damage.call(fail) is None
    assert damage.call(lambda: 3) == 3
    assert (damage.errors, damage.found) == (1, True)
    assert damage.first_error == r"ValueError: broken bits\x00"


def test_the_ends_of_demuxers_and_decoders_are_no_damage():
    damage = Damage(strict=True)
    with pytest.raises(StopIteration):
        damage.call(next, iter(()))

    def drained() -> None:
        raise EOFError

    assert damage.call(drained) is None
    assert not damage.found


def test_strict_means_the_first_entry_raises():
    with pytest.raises(DamageFound):
        Damage(strict=True).error("x")
    with pytest.raises(DamageFound):
        Damage(strict=True).corrupt_picture("at 1 s")


def test_messages_have_one_line_and_a_limit():
    assert said("a\nb\tc\x1b[31m") == r"a b c\x1b[31m"
    assert len(said("x" * 10_000)) == 300


def test_the_log_level_is_put_back():
    before = av.logging.get_level(), av.logging.get_skip_repeated()
    ERROR_LOG.acquire()
    ERROR_LOG.acquire()
    ERROR_LOG.release()
    assert av.logging.get_level() == av.logging.ERROR
    ERROR_LOG.release()
    assert (av.logging.get_level(), av.logging.get_skip_repeated()) == before
