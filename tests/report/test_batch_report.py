"""The report of a batch: totals that add up, plots that show them, and text from outside that stays text."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from reading import Page, faults

from cortexia.batch.outcome import BatchJob, BatchReport, PipelineResult, RefusedInput
from cortexia.errors import ConfigurationError
from cortexia.report.batch_desk import batch_json, write_batch_report
from cortexia.report.batch_facts import batch_facts, state_of
from cortexia.report.batch_markdown import batch_markdown
from cortexia.report.batch_page import JOBS_SHOWN, batch_page
from cortexia.types import JobState

HOSTILE = (
    "<script>document.title='ran'</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style></svg><svg/onload=alert(1)>",
    "| [a](javascript:alert(1)) `x` **b** |\n# heading",
    "![i](https://elsewhere.example/i.png) {{7*7}}",
    "\u202egnp.exe\x1b[2J",
)


def job(number: int, status: JobState = JobState.COMPLETED, **changes) -> BatchJob:
    """A video of 60 s, begun at second 10 * number, that took 20 s; 8 s of them in ``shots``."""
    began = f"2026-01-01 00:00:{10 * number:02}"
    ended = f"2026-01-01 00:00:{10 * number + 20:02}"
    results = {
        "shots": PipelineResult("shots", "completed", processing_time=8.0, annotation_count=5),
        "frames": PipelineResult("frames", "completed", processing_time=2.0, annotation_count=1),
    }
    made = BatchJob(
        f"job-{number}",
        f"/videos/{number}.mp4",
        None,
        {},
        status,
        created_at="2026-01-01 00:00:00",
        started_at=began,
        completed_at=ended,
        duration_s=60.0,
        windows=3,
        annotator_results=results,
    )
    return dataclasses.replace(made, **changes)


def failed(number: int, reason: str, message: str) -> BatchJob:
    return job(number, JobState.FAILED, reason=reason, error_message=message, annotator_results={})


def report(*jobs: BatchJob, wall_s: float = 40.0, refused: tuple[RefusedInput, ...] = ()) -> BatchReport:
    return BatchReport("b" * 36, jobs, wall_s, any(not one.status.is_final for one in jobs), refused)


def test_totals_add_up():
    facts = batch_facts(report(job(0), job(1), job(2, JobState.COMPLETED_WITH_ERRORS), failed(3, "error", "boom")))
    assert facts.counts == (("completed", 2), ("completed_with_errors", 1), ("failed", 1))
    assert (facts.video_s, facts.rate, facts.videos_per_minute, facts.rows) == (180.0, 4.5, 4.5, 18)
    assert [(one.annotator, one.seconds, one.rows) for one in facts.annotators] == [
        ("shots", 24.0, 15),
        ("frames", 6.0, 3),
    ]


def test_throughput_holds_every_second_of_video():
    """Two jobs of 60 s each over 20 s, half of which they share."""
    plot = batch_facts(report(job(0), job(1))).throughput
    assert (plot.step_s, plot.end_s) == (1.0, 30.0)
    assert sum(plot.rates) * plot.step_s == pytest.approx(120.0)
    assert plot.rates[5] == pytest.approx(3.0)
    assert plot.rates[15] == pytest.approx(6.0)


def test_what_did_nothing_is_not_counted_as_fast():
    """Stored already, cancelled on the way, failed: none of them has a speed."""
    stored = job(0, windows=0, started_at="2026-01-01 00:00:00", completed_at="2026-01-01 00:00:00")
    facts = batch_facts(report(stored, job(1, JobState.CANCELLED), failed(2, "error", "x")))
    assert (facts.slowest, facts.rate, facts.throughput, facts.stored_already) == ((), None, None, 1)
    assert facts.annotators[0].seconds == 8.0, "only of what this batch did"


def test_a_job_of_less_than_a_second_counts_as_one():
    quick = job(0, completed_at="2026-01-01 00:00:00")
    assert quick.realtime_factor == 60.0


def test_failures_are_grouped_by_cause_the_most_frequent_first():
    groups = batch_facts(
        report(
            failed(0, "rejected", "no frames"),
            failed(1, "error", "boom"),
            failed(2, "rejected", "no frames"),
            failed(3, "rejected", "empty"),
        )
    ).failures
    assert [(group.reason, group.count) for group in groups] == [("rejected", 3), ("error", 1)]
    assert groups[0].messages == (("no frames", ("0.mp4", "2.mp4")), ("empty", ("3.mp4",)))


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((JobState.COMPLETED, JobState.COMPLETED), "completed"),
        ((JobState.COMPLETED, JobState.FAILED), "completed with failures"),
        ((JobState.FAILED,), "failed"),
        ((JobState.COMPLETED, JobState.CANCELLED), "cancelled"),
        ((JobState.CANCELLED, JobState.QUEUED), "unfinished"),
        ((JobState.COMPLETED, JobState.RUNNING), "unfinished"),
    ],
)
def test_a_batch_is_as_well_as_the_worst_of_it(states, state):
    assert state_of(report(*(job(0, one) for one in states))) == state


def test_the_page_is_one_of_ours_and_shows_the_numbers():
    page = Page(batch_page(report(job(0), job(1), failed(2, "rejected", "no frames"))))
    assert faults(page) == []
    assert {"completed 2", "failed 1"} <= set(re.findall(r"(?:completed|failed) \d", page.text))
    assert "no frames" in page.text
    paths = [tag["d"] for tag in page.all("path")]
    assert len(paths) == 4, "throughput and realtime factor, each with its area"
    assert "shots" in page.text
    assert "8.0 s" not in page.text
    assert "16.0 s, 80 %" in page.text


def test_a_batch_without_anything_is_a_page_too():
    for nothing in (report(), report(job(0, JobState.QUEUED, started_at=None, completed_at=None, windows=0))):
        assert faults(Page(batch_page(nothing))) == []
        assert batch_markdown(nothing)
        json.loads(batch_json(nothing))


def test_of_very_many_videos_those_that_failed_are_shown():
    jobs = [job(0) for _ in range(JOBS_SHOWN + 5)]
    page = Page(batch_page(report(*jobs, failed(1, "error", "the last one"))))
    assert "6 more in the JSON report" in page.text
    assert page.text.count("the last one") == 2


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_stays_text(text):
    made = report(
        job(
            0,
            video_path=f"/videos/{text.replace('/', '')}",
            annotator_results={text: PipelineResult(text, "completed")},
        ),
        failed(1, text, text),
    )
    assert faults(Page(batch_page(made))) == []
    for line in batch_markdown(made).decode().splitlines():
        assert not re.search(r"(?<!\\)(<|!\[|\]\(|`|\*\*b)", line)
        assert line.startswith(("#", "|", "-", "  -")) or not line
        assert "heading" not in line or not line.startswith("#")
        assert line.isprintable()
    assert json.loads(batch_json(made))["failures"][0]["reason"] == text


def test_a_folder_gets_all_formats_and_an_ending_one(tmp_path):
    made = report(job(0))
    assert [path.name for path in write_batch_report(made, tmp_path / "r")] == ["batch.json", "batch.md", "batch.html"]
    assert write_batch_report(made, tmp_path / "one.HTML") == (tmp_path / "one.HTML",)
    assert (tmp_path / "one.HTML").read_bytes() == (tmp_path / "r" / "batch.html").read_bytes()
    (tmp_path / "v1.2").mkdir()
    assert len(write_batch_report(made, tmp_path / "v1.2")) == 3, "a folder that is there is a folder"
    with pytest.raises(ConfigurationError, match=r"ends in \.json, \.md, \.html"):
        write_batch_report(made, tmp_path / "r.pdf")


def test_json_says_it_all():
    told = json.loads(batch_json(report(job(0), failed(1, "error", "boom"))))
    assert [one["job_id"] for one in told["jobs"]] == ["job-0", "job-1"]
    assert (told["state"], told["counts"]) == ("completed with failures", {"completed": 1, "failed": 1})
    assert (told["jobs"][0]["realtime_factor"], told["jobs"][0]["wall_s"]) == (3.0, 20.0)


def test_inputs_that_could_not_be_had_are_told_in_every_form():
    refused = tuple(RefusedInput("unreachable", f"https://a.example/{number}.mp4: no answer") for number in range(7))
    made = report(job(0), refused=(*refused, RefusedInput("not_found", HOSTILE[0])))
    assert state_of(made) == "completed with failures"
    told = json.loads(batch_json(made))["refused"]
    assert [item["reason"] for item in told] == ["unreachable"] * 7 + ["not_found"]
    page, lines = Page(batch_page(made)), batch_markdown(made).decode()
    assert "7 inputs" in page.text
    assert page.text.count("no answer") == 5, "the most that is shown of one kind"
    assert "inputs refused | 8 |" in lines
    assert "- **refused: unreachable** (7 inputs)" in lines
    assert faults(page) == []
