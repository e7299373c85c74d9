"""The flight recorder: cheap to write, and readable after a sudden end."""

from __future__ import annotations

import subprocess
import sys

from cortexia.batch.recorder import Flight, FlightRecorder, make_recorder


def test_what_a_killed_process_wrote_is_there(tmp_path):
    recorder = make_recorder(tmp_path / "r")
    code = (
        "import os, sys; from pathlib import Path; from cortexia.batch.recorder import FlightRecorder\n"
        "r = FlightRecorder(Path(sys.argv[1])); r.present('w'); r.begin('job'); r.enter('shots')\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "r")], check=False)
    assert recorder.read() == Flight(2, False, 0, "shots", "job", "w")
    recorder.close()


def test_nobody_is_blamed_while_the_decoder_is_at_work_too():
    recorder = FlightRecorder()
    recorder.enter("shots")
    assert recorder.read().culprit == "shots"
    recorder.decoding(True)
    assert recorder.read().culprit == ""
    recorder.decoding(False)
    recorder.leave()
    assert recorder.read().culprit == ""


def test_the_end_of_a_job_leaves_nothing_of_it():
    recorder = FlightRecorder()
    recorder.present("w")
    recorder.begin("job")
    recorder.weigh(7)
    recorder.enter("shots")
    recorder.end()
    assert recorder.read() == Flight(moves=3, worker="w")


def test_long_names_are_cut_and_harm_nothing():
    recorder = FlightRecorder()
    recorder.begin("j")
    recorder.enter("ä" * 100)
    assert recorder.read().job_id == "j"
    assert recorder.read().session.startswith("ä" * 31)
