"""One dispatcher, no queues between annotators: nothing can wait for each other for ever."""

from __future__ import annotations

import json
import queue
import threading

import pytest
from harness import Lab
from recipes import Boxes, NeedsBoxes, Steps
from scripted import ScriptedDecoder

from cortexia.types import JobState


def test_a_batch_larger_than_any_buffer_does_not_hang(tmp_path):
    """Boxes of the same frame are needed downstream; the batch is larger than the whole video, and what may wait is
    less than one batch."""
    lab = Lab(tmp_path, ScriptedDecoder([40] * 200), (Boxes(), NeedsBoxes()))
    assert lab.run(batch_size=100_000, held_bytes=64) is JobState.COMPLETED
    captions = [row["data"]["text"] for row in map(json.loads, lab.export().splitlines()) if row["type"] == "caption"]
    assert captions == [f"{index}a,{index}b" for index in range(200)]


def test_independent_bounded_queues_would_hang():
    """Negative control: the same need with a queue for each annotator. The consumer waits for the boxes of a frame
    that the producer does not begin, because the queue of the consumer is full."""
    frames_a: queue.Queue[int] = queue.Queue(maxsize=8)
    frames_b: queue.Queue[int] = queue.Queue(maxsize=8)
    boxes: dict[int, str] = {}
    said = threading.Condition()
    batch, total = 100, 200
    done = threading.Event()

    def feed() -> None:
        for index in range(total):
            frames_a.put(index)
            frames_b.put(index)

    def produce() -> None:
        waiting: list[int] = []
        while True:
            waiting.append(frames_a.get())
            if len(waiting) == batch:
                with said:
                    boxes.update((index, "box") for index in waiting)
                    said.notify_all()
                waiting.clear()

    def consume() -> None:
        for _ in range(total):
            index = frames_b.get()
            with said:
                said.wait_for(lambda index=index: index in boxes)
        done.set()

    for work in (feed, produce, consume):
        threading.Thread(target=work, daemon=True).start()
    assert not done.wait(0.5), "independent queues were expected to hang"
    assert frames_b.full()


def test_every_session_sees_the_same_frames(tmp_path):
    lab = Lab(tmp_path, ScriptedDecoder([40] * 90), (Boxes(), Steps(), NeedsBoxes(nth=9)))
    lab.run(window_s=0.3)
    rows = [json.loads(line) for line in lab.export().splitlines()]
    assert sum(row["type"] == "detection" for row in rows) == 180
    assert sum(row["type"] == "measure" and row["label"] is None for row in rows) == 90
    told = ",".join(row["data"]["text"] for row in rows if row["type"] == "caption")
    assert sorted(told.split(",")) == sorted(f"{i}{label}" for i in range(90) for label in "ab")


@pytest.mark.parametrize(("window_s", "most_ahead"), [(60.0, 3), (0.001, 0)])
def test_a_session_is_told_ahead_what_comes(tmp_path, monkeypatch, window_s, most_ahead):
    """As far as it asks for, and no further than to the next commit."""
    sessions = []
    made = Boxes.session
    monkeypatch.setattr(Boxes, "session", lambda self, context: sessions.append(made(self, context)) or sessions[-1])
    lab = Lab(tmp_path, ScriptedDecoder([40] * 30), (Boxes(),))
    assert lab.run(window_s=window_s) is JobState.COMPLETED
    assert [session.most_ahead for session in sessions] == [most_ahead]
    assert len(lab.export().splitlines()) == 60


def test_one_pass_opens_one_context_per_track(tmp_path):
    lab = Lab(tmp_path, ScriptedDecoder([40] * 30, audio_s=1.0), (Boxes(), Steps(), NeedsBoxes()))
    lab.run()
    decoded = next(event for event in lab.events if event["event"] == "decoded")
    assert decoded["passes"] == 1
    assert decoded["contexts_opened"] == 1


def test_a_row_limit_makes_a_commit_fall_due(tmp_path):
    lab = Lab(tmp_path, ScriptedDecoder([40] * 100), (Boxes(),))
    lab.run(rows=40)
    store = lab.store()
    run = next(iter(store.runs()))
    store.close()
    assert run.windows >= 5
