"""What is said is drawn on the picture, when it is said, by whom, and can be read."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from stocking import span, stored

from cortexia.app import Request
from cortexia.report.cues import shown_cues
from cortexia.report.heard import Heard, Line
from cortexia.report.letters import font
from cortexia.report.palette import LABEL_COLOURS
from cortexia.report.series import Series
from cortexia.report.subtitles import HeldSounds, Subtitle, draw_subtitle
from cortexia.testing import ShotSpec, SoundSpec, VideoSpec, tone
from cortexia.types import SoundEvent, SpeakerTurn, Utterance

SIZE = (640, 360)
ORANGE = np.array([230, 159, 0])


def drawn(subtitle: Subtitle, size: tuple[int, int] = SIZE, ground: int = 0, below: int = 20) -> np.ndarray:
    board = Image.new("RGB", (size[0], size[1] + below), (ground,) * 3)
    draw_subtitle(board, size, subtitle)
    return np.asarray(board).astype(int)


def places(board: np.ndarray, ground: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is not ground."""
    rows, columns = np.nonzero(np.abs(board - ground).max(axis=2) > 8)
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


WORDS = Subtitle(("ask not what your country", "can do for you"))


@pytest.mark.parametrize("size", [SIZE, (360, 640), (1280, 720), (200, 120)])
def test_words_stand_within_the_picture_at_its_bottom_in_the_middle(size):
    left, top, right, bottom = places(drawn(WORDS, size, ground=255), 255)
    assert left >= 0.03 * size[0]
    assert abs((left + right) / 2 - size[0] / 2) < 3
    assert size[1] * 0.65 < top
    assert bottom < size[1]


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_words_can_be_read_on_any_ground(ground):
    """Contrast of at least 7 to 1 (WCAG 2.2, enhanced) between letters and what is behind them."""
    board = drawn(WORDS, ground=ground)
    left, top, right, bottom = places(board, ground)
    inside = board[top : bottom + 1, left : right + 1].reshape(-1, 3)
    behind = np.median(inside, axis=0).max() / 255
    light = ((behind + 0.055) / 1.055) ** 2.4 if behind > 0.04 else behind / 12.92
    assert inside.max() == 255
    assert 1.05 / (light + 0.05) >= 7


def test_the_speaker_is_named_in_a_colour_above_the_words():
    named = drawn(Subtitle(WORDS.lines, "Zoë", 0))
    coloured = np.abs(named - ORANGE).max(axis=2) < 10
    rows = np.flatnonzero(coloured.any(axis=1))
    assert rows.max() < places(drawn(WORDS, ground=255), 255)[1]
    assert not (np.abs(drawn(WORDS) - ORANGE).max(axis=2) < 10).any()
    assert LABEL_COLOURS[0] == "#e69f00"


def test_sounds_are_named_at_the_top_right_one_below_the_other():
    one = places(drawn(Subtitle(tags=("laughter",)), ground=255), 255)
    two = places(drawn(Subtitle(tags=("laughter", "applause")), ground=255), 255)
    assert one[0] > 320
    assert one[3] < 60
    assert two[3] > one[3] + 10
    many = drawn(Subtitle(tags=("a", "b", "c", "d")))
    assert (many == drawn(Subtitle(tags=("a", "b", "c")))).all()


@pytest.mark.parametrize("size", [(16, 16), (64, 36), (40, 400), (1, 1)])
def test_where_there_is_no_room_nothing_is_drawn_over_the_edge(size):
    board = drawn(Subtitle(("word " * 8, "x" * 42), "A name of some length", 3, ("laughter", "music")), size, 255)
    assert board.shape == (size[1] + 20, size[0], 3)
    assert (board[size[1] :] == 255).all()


@pytest.mark.parametrize("text", ["猫", "\U0001f600", "", " ", "a\nb", "\x00", "\ud800", "\u202e", "e\u0301"])
def test_anything_can_be_drawn(text):
    cues = shown_cues([Line(0, 1, f"so {text}", None, None, False)])
    assert drawn(Subtitle(cues[0].lines, text, 0, (text,))).max() == 255


def test_a_sound_is_named_as_long_as_any_event_of_it_lasts():
    heard = Heard()
    heard.events["music"] = Series()
    for start, end in ((0, 10), (2, 3), (12, 13)):
        heard.events["music"].add(start * 1_000_000, end * 1_000_000)
    held = HeldSounds(heard)
    assert [second for second in range(14) if held.at(second * 1_000_000).tags] == [*range(10), 12]


def test_letters_with_accents_are_letters():
    """Each differs from its plain letter and from the box that stands for an unknown one."""
    box = font(24).getmask("\uffff")
    for accented, plain in zip("éèñüçåøžőłđğşțĐ", "eenucaozoldgstD", strict=True):
        shapes = {bytes(font(24).getmask(letter)) for letter in (accented, plain)} | {bytes(box)}
        assert len(shapes) == 3, accented
    assert bytes(font(24).getmask("猫")) == bytes(box), "negative control"


@pytest.fixture
def said(annotated, clips, tmp_path) -> Path:
    """Two words from 0.4 s to 1.6 s, laughter from 1 s to 1.5 s, with sound."""
    sound = SoundSpec(events=(tone(0.5, 1.0),))
    path = clips("said.mp4", VideoSpec(width=320, height=180, shots=(ShotSpec(2.0),), stamp=False, sound=sound))[0]
    app = annotated(path, request=Request(("shots",)))
    identity = next(iter(app.store().videos())).identity
    stored(app.store(), identity, "transcription", [Utterance(span=span(400, 1600), text="Grüß Gott", number=0)])
    stored(app.store(), identity, "speakers", [SpeakerTurn(span=span(400, 1600), label="Eva", speaker_id="s")])
    stored(app.store(), identity, "sounds", [SoundEvent(span=span(1000, 1500), label="laughter")])
    app.annotated_video(identity.video_id, tmp_path / "out.mp4")
    return tmp_path / "out.mp4"


def test_words_and_sounds_are_in_the_very_frames_in_which_they_are_heard(said):
    worded, named, tagged = [], [], []
    with av.open(str(said)) as container:
        for place, frame in enumerate(container.decode(video=0)):
            board = frame.to_ndarray(format="rgb24").astype(int)
            foot, corner = board[148:176, 120:200], board[5:18, 266:314]
            if (foot.min(axis=2) > 225).sum() > 20 and foot.mean() < 110:
                worded.append(place)
            if (np.abs(board[120:160, 90:230] - ORANGE).max(axis=2) < 70).sum() > 30:
                named.append(place)
            if np.median(corner) < 40:
                tagged.append(place)
    assert worded == named == list(range(10, 40))
    assert tagged == list(range(25, 38))


def test_sound_comes_along(said):
    with av.open(str(said)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert sum(frame.samples for frame in container.decode(audio=0)) > 0
