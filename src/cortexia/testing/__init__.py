"""For tests of the product and of plugins: clips with known truth, and annotators that do one plain thing.

::

    from cortexia.testing import ShotSpec, VideoSpec, dissolve, make_video

    truth = make_video("clip.mp4", VideoSpec(shots=(ShotSpec(scene="sea", transition_out=dissolve(12)), ShotSpec())))
    truth.boundaries, truth.pts, truth.objects
"""

from cortexia.testing.demo import demo_spec
from cortexia.testing.footage import render
from cortexia.testing.remux import loop_video, truncate_file
from cortexia.testing.scenes import SCENES, paint_scene
from cortexia.testing.sound import sound_blocks
from cortexia.testing.spec import (
    CUT,
    Camera,
    Mover,
    ShotSpec,
    SoundEventSpec,
    SoundSpec,
    TransitionSpec,
    VideoSpec,
    applause,
    click,
    dissolve,
    fade,
    laughter,
    noise,
    speech,
    tone,
)
from cortexia.testing.stamp import paint_frame_number, read_frame_number
from cortexia.testing.truth import BoundaryTruth, CameraMove, ObjectTruth, ShotTruth, SoundTruth, Truth
from cortexia.testing.video import make_video

__all__ = [
    "CUT",
    "SCENES",
    "BoundaryTruth",
    "Camera",
    "CameraMove",
    "Mover",
    "ObjectTruth",
    "ShotSpec",
    "ShotTruth",
    "SoundEventSpec",
    "SoundSpec",
    "SoundTruth",
    "TransitionSpec",
    "Truth",
    "VideoSpec",
    "applause",
    "click",
    "demo_spec",
    "dissolve",
    "fade",
    "laughter",
    "loop_video",
    "make_video",
    "noise",
    "paint_frame_number",
    "paint_scene",
    "read_frame_number",
    "render",
    "sound_blocks",
    "speech",
    "tone",
    "truncate_file",
]
