"""Annotated video keeps every frame and its time, and draws what is stored."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from stocking import span, stored

from cortexia.app import Request
from cortexia.decoders.writer import CODECS, video_encoder
from cortexia.errors import ConfigurationError, ResourceError
from cortexia.report.canvas import Bar, Canvas
from cortexia.report.seen import Seen
from cortexia.report.style import Style
from cortexia.sightings import Sighting
from cortexia.testing import ShotSpec, SoundSpec, VideoSpec, tone
from cortexia.types import BBox, Detection, Mask, Pose, Region, StoredRow


def only(app) -> str:
    return next(iter(app.store().videos())).identity.video_id


def times(path: Path, kind: str = "video") -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return sorted(frame.pts * frame.time_base for frame in container.decode(stream))


def picture(path: Path, index: int) -> np.ndarray:
    with av.open(str(path)) as container:
        for place, frame in enumerate(container.decode(video=0)):
            if place == index:
                return frame.to_ndarray(format="rgb24").astype(int)
    raise AssertionError(f"{path} has no frame {index}")


def test_every_frame_is_there_at_its_own_time(full, clip, tmp_path):
    assert full.annotated_video(only(full), tmp_path / "out.mp4") == 150
    assert times(tmp_path / "out.mp4") == times(clip)


def test_variable_rates_are_kept(annotated, clips, tmp_path):
    durations = tuple(Fraction(part, 1000) for part in (40, 20, 120, 33, 67) * 4)
    spec = VideoSpec(shots=(ShotSpec(frames=20),), frame_durations=durations, sound=SoundSpec(events=(tone(0.1, 0.4),)))
    path = clips("variable.mp4", spec)[0]
    app = annotated(path, request=Request(("shots",)))
    app.annotated_video(only(app), tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == times(path)


@pytest.mark.parametrize(("name", "codec"), [("copied.mp4", "aac"), ("made.mkv", "pcm_s16le")])
def test_sound_comes_along(annotated, clips, tmp_path, name, codec):
    spec = VideoSpec(shots=(ShotSpec(2.0),), sound=SoundSpec(events=(tone(0.5, 1.0),), codec=codec))
    path = clips(name, spec)[0]
    app = annotated(path, request=Request(("shots",)))
    app.annotated_video(only(app), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        sound = container.streams.audio[0]
        blocks = [frame.to_ndarray().astype(np.float32) for frame in container.decode(sound)]
        assert sound.codec_context.name == "aac"
        rate = sound.codec_context.sample_rate
    samples = np.abs(np.concatenate([block.reshape(-1, block.shape[-1])[0] for block in blocks]))
    assert len(samples) / rate == pytest.approx(2.0, abs=0.1)
    assert samples[int(0.7 * rate) : int(1.3 * rate)].mean() > 20 * samples[: int(0.3 * rate)].mean()


def test_sound_of_a_rate_that_aac_does_not_have_comes_along(annotated, clips, tmp_path):
    sound = SoundSpec(events=(tone(0.5, 1.0),), codec="pcm_s16le", rate=192_000)
    path = clips("fast.mkv", VideoSpec(shots=(ShotSpec(2.0),), sound=sound))[0]
    app = annotated(path, request=Request(("shots",)))
    app.annotated_video(only(app), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        blocks = [frame.samples for frame in container.decode(container.streams.audio[0])]
        rate = container.streams.audio[0].codec_context.sample_rate
    assert rate == 48_000
    assert sum(blocks) / rate == pytest.approx(2.0, abs=0.1)


def test_boxes_are_where_they_were_found_and_stay_as_long_as_stated(annotated, clips, tmp_path):
    """Boxes every 200 ms up to 1 s stay for at most 300 ms more; the palette's first colour is an orange."""
    path = clips("plain.mp4", VideoSpec(width=320, height=180, shots=(ShotSpec(2.0),), stamp=False))[0]
    app = annotated(path, request=Request(("shots",)))
    identity = next(iter(app.store().videos())).identity
    boxes = [
        Detection(
            span=span(at, at + 40), label="cup", confidence=0.5, frame_index=at // 40, bbox=BBox(100, 60, 200, 140)
        )
        for at in range(200, 1001, 200)
    ]
    stored(app.store(), identity, "objects", boxes)
    app.annotated_video(identity.video_id, tmp_path / "out.mp4")
    drawn = [index for index in (0, 4, 5, 9, 25, 31, 33, 40) if _is_orange(picture(tmp_path / "out.mp4", index))]
    assert drawn == [5, 9, 25, 31]


def _is_orange(picture: np.ndarray) -> bool:
    edge = picture[90:120, 100].mean(axis=0)
    return bool(np.abs(edge - np.array([230, 159, 0])).max() < 60)


def test_a_name_near_the_right_edge_is_drawn_whole(annotated, clips, tmp_path):
    path = clips("plain.mp4", VideoSpec(width=320, height=180, shots=(ShotSpec(2.0),), stamp=False))[0]
    app = annotated(path, request=Request(("shots",)))
    identity = next(iter(app.store().videos())).identity
    box = Detection(span=span(0, 40), label="cup", confidence=0.5, frame_index=0, bbox=BBox(310, 60, 320, 140))
    stored(app.store(), identity, "objects", [box])
    app.annotated_video(identity.video_id, tmp_path / "out.mp4")
    row = picture(tmp_path / "out.mp4", 0)[47]
    plate = np.flatnonzero(np.abs(row - np.array([230, 159, 0])).max(axis=1) < 60)
    assert plate.min() < 290
    assert plate.max() >= 317


def drawn(*regions: Region, seen: Seen | None = None, bar: Bar | None = None) -> np.ndarray:
    """Regions on a black picture of 320x180."""
    style = Style({"cup": 0}, seen or Seen())
    canvas = Canvas((320, 180), style, has_captions=bar is not None)
    canvas.begin(np.zeros((180, 320, 3), np.uint8), (320, 180))
    return canvas.drawn(list(map(sighting, regions)), bar or Bar())


def sighting(region: Region) -> Sighting:
    row = StoredRow("id", region, "v", "u", "run", "a", 0, 40_000, 0, 0)
    made = Sighting(row, region)
    made.mask = region if isinstance(region, Mask) else None
    made.pose = region if isinstance(region, Pose) else None
    return made


@pytest.mark.parametrize("text", ["a\nb", "\r\n", " ", "", "a\tb\x0bc", "\u2028x\x85", "\x00\ud800"])
@pytest.mark.parametrize("count", [1, 20], ids=["few", "crowd"])
@pytest.mark.parametrize("track_id", [None, "7"])
def test_any_label_and_camera_can_be_drawn(text, count, track_id):
    box = BBox(50, 80, 250, 120)
    region = Detection(span=span(0, 40), label=text, confidence=0.5, frame_index=0, bbox=box, track_id=track_id)
    board = drawn(*[region] * count, bar=Bar(left=f"shot 1   {text}", right="0:01", caption=text))
    assert board[:180].max() > 100


def test_names_never_cover_each_other():
    """Four boxes at one place: three names find room (above, in and below it), the least sure one has none."""

    def names(count: int) -> int:
        boxes = [
            Detection(
                span=span(0, 40), label="cup", confidence=0.5 + n / 10, frame_index=0, bbox=BBox(50, 80, 250, 120)
            )
            for n in range(count)
        ]
        board = drawn(*boxes).astype(int)
        return int((np.abs(board - np.array([230, 159, 0])).max(axis=2) < 60).sum())

    one, two, three, four = (names(count) for count in (1, 2, 3, 4))
    assert one + 100 < two
    assert two + 100 < three
    assert abs(three - four) < 10


def test_the_bar_is_below_the_picture_and_hides_nothing(full, clip, tmp_path):
    full.annotated_video(only(full), tmp_path / "out.mp4")
    before, after = picture(clip, 75), picture(tmp_path / "out.mp4", 75)
    assert after.shape[0] > before.shape[0]
    bar = after[before.shape[0] :]
    assert bar.min() < 30
    assert bar.max() > 150


def test_a_smaller_side_is_kept_to(full, tmp_path):
    full.annotated_video(only(full), tmp_path / "out.mp4", max_side=160)
    assert picture(tmp_path / "out.mp4", 0).shape[1] == 160


def test_sound_alone_cannot_be_drawn_on(annotated, clips, tmp_path):
    path = clips("sound.m4a", VideoSpec(shots=(), sound=SoundSpec(events=(tone(0.5, 1.0),), duration_s=2.0)))[0]
    app = annotated(path)
    with pytest.raises(ConfigurationError, match="no pictures to draw on"):
        app.annotated_video(only(app), tmp_path / "out.mp4")
    assert list(tmp_path.glob("*.mp4")) == []


def test_an_encoder_that_is_not_there_is_passed_over():
    assert video_encoder((("no_such_encoder", {}), *CODECS))[0] == video_encoder()[0]
    with pytest.raises(ResourceError, match="no_such_encoder"):
        video_encoder((("no_such_encoder", {}),))


def test_a_stream_that_changes_its_size_is_drawn_to_the_end(annotated, data_dir, tmp_path):
    path = data_dir / "badmedia" / "selfmade" / "media" / "res_change.h264"
    if not path.exists():
        pytest.skip("the shared test data has no such file")
    app = annotated(path, request=Request(("shots",)))
    decoded = next(iter(app.store().videos())).verdict.frames_decoded
    assert app.annotated_video(only(app), tmp_path / "out.mp4") == decoded
    assert len(times(tmp_path / "out.mp4")) == decoded


def test_what_cannot_be_written_is_said_and_leaves_nothing(full, tmp_path):
    with pytest.raises(ResourceError, match="no-such-folder"):
        full.annotated_video(only(full), tmp_path / "no-such-folder" / "out.mp4")
