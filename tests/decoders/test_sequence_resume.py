"""A stopped run over an image sequence ends like an undisturbed one, broken pictures included."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import pytest
from harness import Lab

from cortexia.annotators.frames import Frames
from cortexia.annotators.shots import Shots
from cortexia.decoders.choice import ContentDecoder
from cortexia.decoders.sequence import MANIFEST, Sequence
from cortexia.testing import SCENES, ShotSpec, VideoSpec
from cortexia.types import JobState, VideoIdentity


@dataclass
class SequenceLab(Lab):
    source: Path = Path()

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.video = self.source
        self.identity = VideoIdentity("e" * 64, str(self.source), self.source.name, 0)

    def record(self):
        store = self.store()
        try:
            return store.video(self.identity.video_id)
        finally:
            store.close()


@pytest.fixture
def sequence(clips, tmp_path) -> Path:
    """Twenty seconds in four shots."""
    shots = tuple(ShotSpec(5.0, scene=scene) for scene in sorted(SCENES)[:4])
    clip, _ = clips("to-split.mp4", VideoSpec(96, 54, rate=Fraction(5), shots=shots))
    folder = tmp_path / "sequence"
    folder.mkdir()
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            frame.to_image().save(folder / f"{number:03}.bmp")
    names = tuple(sorted(path.name for path in folder.iterdir()))
    assert len(names) == 100
    (folder / MANIFEST).write_bytes(Sequence(Fraction(5), names).to_json())
    return folder


@pytest.mark.parametrize("broken", [None, 33, 70])
def test_a_stopped_run_ends_like_an_undisturbed_one(sequence, tmp_path, broken):
    if broken is not None:
        (sequence / f"{broken:03}.bmp").write_bytes(b"BM")

    def lab(name: str) -> SequenceLab:
        return SequenceLab(tmp_path / name, ContentDecoder(), (Shots(), Frames()), source=sequence)

    undisturbed = lab("undisturbed")
    assert undisturbed.run(window_s=1e9) is JobState.COMPLETED
    verdict = undisturbed.record().verdict
    assert verdict.status == ("ok" if broken is None else "partial")
    for die_after in (1, 2, 4):
        stopped = lab(f"stopped-{die_after}")
        stopped.run(window_s=4.0, die_after=die_after)
        if broken is None and die_after > 1:
            assert stopped.record().anchors
        assert stopped.run(window_s=4.0) is JobState.COMPLETED
        assert stopped.export() == undisturbed.export(), die_after
        assert stopped.record().verdict == verdict
