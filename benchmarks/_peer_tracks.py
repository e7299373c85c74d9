"""The peer of ``tracks.py``: ``ByteTrackTracker`` of the package ``trackers``, run in an environment of its own.

    python _peer_tracks.py FRAMES.json ANSWER.json

Defaults as documented. Its buffer counts frames of 30 a second; frames that come irregularly are given with their time.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import supervision

from trackers import ByteTrackTracker


def tracked(scene: dict, buffer_s: float) -> dict:
    """Ids by frame (0: none) and CPU seconds within ``update``."""
    tracker = ByteTrackTracker(lost_track_buffer=round(30 * buffer_s), frame_rate=scene["per_second"])
    spent, answer = 0.0, []
    for time_s, boxes, scores in scene["frames"]:
        places = {"place": np.arange(len(scores))}
        given = supervision.Detections(
            xyxy=np.array(boxes, np.float64).reshape(-1, 4), confidence=np.array(scores, np.float64), data=places
        )
        begun = time.process_time()
        got = tracker.update(given, timestamp=time_s) if scene["irregular"] else tracker.update(given)
        spent += time.process_time() - begun
        ids = [0] * len(scores)
        if len(got):
            for place, track in zip(got.data["place"], got.tracker_id, strict=True):
                ids[int(place)] = int(track) + 1
        answer.append(ids)
    return {"ids": answer, "cpu_s": spent}


def main(asked: Path, answer: Path) -> None:
    job = json.loads(asked.read_text())
    answer.write_text(json.dumps([tracked(scene, job["buffer_s"]) for scene in job["scenes"]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
