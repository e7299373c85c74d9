"""Names, labels, reasons and metadata from outside are text, whatever they hold (S-20)."""

from __future__ import annotations

import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image
from reading import Page, faults
from stocking import BASE, opened_app, span, stored

import cortexia.report
from cortexia.app import App
from cortexia.report.pictures import encoded
from cortexia.report.words import visible
from cortexia.types import (
    Annotation,
    BBox,
    Caption,
    Classification,
    Detection,
    FaceTrack,
    KeyPicture,
    Measure,
    MediaInfo,
    Person,
    RunStatus,
    Shot,
    SoundEvent,
    SpeakerTurn,
    SpokenWord,
    Track,
    TrackBox,
    Utterance,
    Verdict,
    VerdictStatus,
    VideoIdentity,
    VideoStream,
    Word,
)

OWN = (
    "<script>document.title='ran'</script>",
    '"><img src=x onerror="document.title=\'ran\'">',
    "</title><script>document.title='ran'</script>",
    "</style><script>document.title='ran'</script>",
    "</svg><svg/onload=document.title='ran'>",
    "{{7*7}}",
    "${7*7}",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "']]><!--",
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def lines(request) -> list[str]:
    """Our own, and those of the shared data where it is there."""
    found = list(OWN)
    try:
        shared = request.getfixturevalue("data_dir") / "badmedia" / "selfmade" / "text" / "labels_xss.txt"
    except pytest.skip.Exception:
        return found
    return found + shared.read_text(encoding="utf-8").splitlines() if shared.exists() else found


@pytest.fixture(scope="module")
def hostile(lines, tmp_path_factory) -> Path:
    """A folder with a report of a video in which everything that is text is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    with opened_app(folder / "h.db") as app:
        for place, line in enumerate(lines):
            _stock(app, f"{place:02x}".ljust(64, "0"), line[:250])
        app.batch_report(folder / "out")
    return folder / "out"


def _stock(app: App, video_id: str, text: str) -> None:
    store = app.store()
    identity = VideoIdentity(video_id, f"/videos/{text}", text, 10)
    stream = VideoStream(0, text[:20], 64, 36, 64, 36, 0, Fraction(1), BASE, Fraction(25), 9, "yuv420p", 0.0)
    verdict = Verdict(VerdictStatus.PARTIAL, "decode_errors", text, first_error=text, notes=(text,))
    store.save_video(identity, MediaInfo(text, 10, 4.0, Fraction(0), stream, None, verdict, {text: text}))
    picture = store.blobs.put(_jpeg(), ".jpg")
    key = KeyPicture(
        span=span(0, 40), frame_index=0, picture=picture, thumbnail=picture, width=64, height=36, quality=1.0,
        is_representative=True,
    )  # fmt: skip
    rows = [
        Shot(span=span(0, 4000), first_frame=0, last_frame=99),
        key,
        Detection(span=span(0, 40), label=text, confidence=0.5, frame_index=0, bbox=BBox(1, 1, 30, 30)),
        SoundEvent(span=span(0, 500), label=text),
        Measure(span=span(0, 40), label="quality", reason=text),
        Measure(span=span(0, 4000), label="motion_summary", values={"pan": 1.0}, attributes={"camera": text}),
        Caption(span=span(0, 40), text=text, attributes={"composed": True}),
        Classification(span=span(0, 40), label=text, confidence=0.5),
        *_followed(text),
        *_heard(text),
    ]
    stored(store, identity, "x" + text, rows, options={text: text})
    stored(store, identity, "faces", [], RunStatus.FAILED, reason=text, message=text)


def _followed(text: str) -> list[Annotation]:
    """A track, a person and a face whose ids are hostile."""
    place = {"span": span(0, 40), "track_id": text, "first_frame": 0, "last_frame": 0, "boxes": 1}
    return [
        TrackBox(span=span(0, 40), label=text, frame_index=0, bbox=BBox(2, 2, 20, 20), track_id=text),
        Track(label=text, **place),
        Person(**{**place, "track_id": f"p{text}"}, person_id=f"person_{text}"),
        FaceTrack(**place, face_id=f"face_{text}", person_id=text),
    ]


def _heard(text: str) -> list[Annotation]:
    """Words that are hostile, of a speaker whose name is, in a language that is."""
    whole = span(0, 900)
    return [
        Utterance(span=whole, text=f"so {text}", number=0, language=text, confidence=0.5),
        Word(span=whole, text=text, utterance=0, confidence=0.1),
        SpeakerTurn(span=whole, label=text, speaker_id=f"speaker_{text}"),
        SpokenWord(span=whole, label=text, speaker_id=f"other_{text}", text=text, utterance=0),
        Measure(span=whole, label="loudness", values={"rms_dbfs": 0.0}, attributes={"envelope": [text, 0, None, {}]}),
    ]


def _jpeg() -> bytes:
    return encoded(Image.new("RGB", (64, 36), (90, 120, 150)))


def test_it_is_all_text(hostile, lines):
    pages = sorted(hostile.rglob("*.html"))
    assert len(pages) == len(lines) + 1
    for path in pages:
        page = Page(path.read_bytes())
        assert faults(page) == []
        assert "49" not in page.texts
    index = Page((hostile / "index.html").read_bytes())
    for line in lines:
        assert visible(line)[:60] in index.text or len(line) > 250


def test_a_page_says_what_it_was_given(hostile, lines):
    """Text comes out as it went in: escaped once, not twice, not dropped."""
    page = Page(next(hostile.glob("videos/*-0000000000000000.html")).read_bytes())
    assert page.texts.count(lines[0]) >= 10


def test_marks_that_turn_text_around_are_spelled_out():
    assert visible("a\u202eb\x07c\ud800") == "a\\u202eb\\u0007c\\ud800"
    assert visible("Zoë 猫 \u2011 5") == "Zoë 猫 \u2011 5"


def test_no_template_gets_around_escaping():
    for path in Path(cortexia.report.__file__).parent.rglob("*"):
        if path.suffix in (".html", ".css", ".py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\|\s*safe|Markup\(|innerHTML|autoescape\s+false|autoescape=False", text), path


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_runs_none_of_it(hostile, tmp_path):
    assert titles(hostile, tmp_path) == []


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_script_that_runs_would_be_noticed(tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.html").write_text(f"<title>x</title><p>{OWN[0]}</p>")
    assert titles(tmp_path / "bad", tmp_path) == ["ran"]


def titles(folder: Path, scratch: Path) -> list[str]:
    """Titles that a script has changed, of the index and some of the pages: a browser takes its time."""
    pages = sorted(folder.rglob("*.html"))
    found = []
    for page in pages[:: max(1, len(pages) // 3)]:
        done = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={scratch / 'profile'}",
             "--virtual-time-budget=500", "--dump-dom", page.as_uri()],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
        assert title is not None, done.stderr
        found += [title[1]] if title[1] == "ran" else []
    return found
