"""R-10: the whole corpus of odd and hostile inputs as one batch, beside one file that really kills its worker."""

from __future__ import annotations

import csv
import json
import time
from collections import Counter
from pathlib import Path

import pytest
from storm_batch import POISON, let_poison_kill  # noqa: F401 - workers find it there

from cortexia.app import App, Request
from cortexia.batch import supervisor as supervising
from cortexia.config import Settings
from cortexia.outcomes import VideoResult
from cortexia.testing import ShotSpec, VideoSpec

KINDS = ("video", "audio", "image", "playlist/ssrf")
EXPECTED = {
    "DECODE": {"ok"},
    "DECODE-PARTIAL": {"partial", "ok"},
    "DECODE-PILLOW": {"ok"},
    "AUDIO-ONLY": {"audio_only", "rejected"},
    "REJECT": {"rejected"},
}
BY_CONTENT = {"selfmade/media/png_named.mp4"}
LIMIT_S = 600.0
ANNOTATORS = ("shots", "frames", "quality", "loudness")

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.data]


def rows_of(data_dir: Path) -> list[dict[str, str]]:
    with (data_dir / "badmedia" / "manifest.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["kind"] in KINDS]


def annotated(folder: Path, sources: list[Path]) -> tuple[dict[str, VideoResult], list[dict]]:
    """Results by video id, or by what was said of one that has none; and the deaths of workers."""
    events: list[dict] = []
    settings = Settings(
        store=str(folder / "corpus.db"),
        cache_dir=str(folder / "cache"),
        workers=2,
        threads=2,
        min_free_bytes=0,
        min_free_share=0.0,
    )
    results: dict[str, VideoResult] = {}
    with App(settings) as app:
        for result in app.annotate([str(path) for path in sources], Request(ANNOTATORS), events.append).videos:
            results[result.video_id or result.uri] = result
        jobs = list(app.store().jobs())
    assert all(job.status.is_final for job in jobs), "submitted = ended (G5)"
    return results, [event for event in events if event["event"] == "worker_died"]


def status_of(result: VideoResult) -> str:
    if result.status == "rejected" or result.reason == "rejected":
        return "rejected"
    record = result.record
    if record is None or record.verdict is None:
        return result.status
    has_pictures = record.media is not None and record.media.video is not None
    return record.verdict.status.value if has_pictures else "audio_only"


def end_of(row: dict[str, str], results: dict[str, VideoResult]) -> str | None:
    """Files with the same content are one video."""
    by_name = (result for key, result in results.items() if row["path"] in key)
    result = results.get(row["sha256"]) or next(by_name, None)
    return status_of(result) if result else None


def test_every_expectation_is_met_and_no_worker_dies(data_dir, tmp_path):
    rows = rows_of(data_dir)
    began = time.monotonic()
    results, deaths = annotated(tmp_path, [data_dir / "badmedia" / row["path"] for row in rows])
    wall_s = time.monotonic() - began
    ends = Counter(status_of(result) for result in results.values())
    print(json.dumps({"wall_s": round(wall_s), "inputs": len(rows), "ends": dict(ends)}))  # noqa: T201
    assert deaths == []
    unlike = {}
    for row in rows:
        wanted = EXPECTED["DECODE" if row["path"] in BY_CONTENT else row["expected"]]
        end = end_of(row, results)
        if end not in wanted:
            unlike[row["path"]] = (end, wanted)
    assert unlike == {}
    assert wall_s < LIMIT_S


def test_a_file_that_kills_its_worker_would_be_seen(clips, tmp_path, monkeypatch):
    """Negative control."""
    monkeypatch.setattr(supervising, "TARGET", "storm_batch:work")
    (tmp_path / "storm.json").write_text("{}")
    monkeypatch.setenv("STORM_CONFIG", str(tmp_path / "storm.json"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    clip = clips(f"{POISON}.mp4", VideoSpec(width=64, height=36, shots=(ShotSpec(0.4),)))[0]
    results, deaths = annotated(tmp_path, [clip])
    assert len(deaths) >= 3
    assert [result.reason for result in results.values()] == ["quarantined"]
