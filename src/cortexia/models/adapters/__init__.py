"""One family of networks a file: how pictures go in, and what comes out. Nothing here keeps anything of a picture."""

from cortexia.models.adapters.base import Detector, Family
from cortexia.models.adapters.choice import open_detector
from cortexia.models.adapters.openers import (
    open_expression,
    open_face_detector,
    open_face_embedding,
    open_head_pose,
    open_keypoints,
    open_picture_embedding,
    open_segmenter,
    open_sound_tagger,
    open_text_detector,
    open_text_reader,
)
from cortexia.models.adapters.running import PicturePart, Runner

__all__ = [
    "Detector",
    "Family",
    "PicturePart",
    "Runner",
    "open_detector",
    "open_expression",
    "open_face_detector",
    "open_face_embedding",
    "open_head_pose",
    "open_keypoints",
    "open_picture_embedding",
    "open_segmenter",
    "open_sound_tagger",
    "open_text_detector",
    "open_text_reader",
]
