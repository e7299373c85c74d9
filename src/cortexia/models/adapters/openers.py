"""From entries of the catalogue to families at work: one opener for each task, but for object detection (``choice``).

``TASKS`` tells which families serve a task; entries of the catalogue name the task by these words. Every opener raises
``UnknownNameError`` for a family that does not serve its task, ``ConfigurationError`` for settings or a network that do
not fit, and whatever ``ModelAccess.open`` raises. What it opens runs with as many threads as the job may use.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError
from cortexia.models.adapters import settings, yunet
from cortexia.models.adapters.base import Limits
from cortexia.models.adapters.choice import DETECTORS
from cortexia.models.adapters.crnn import BATCH_AXIS, Crnn, ReadText
from cortexia.models.adapters.deeplab import ClassMap, Deeplab
from cortexia.models.adapters.expression import Expression, ExpressionNet
from cortexia.models.adapters.fsanet import AveragedRunner, Fsanet
from cortexia.models.adapters.layout import sizing_of
from cortexia.models.adapters.mobilenet import MobilenetEmbedding
from cortexia.models.adapters.movenet import Movenet
from cortexia.models.adapters.ppocr import LONGEST, THRESHOLD, PpocrDetection, TextBatch
from cortexia.models.adapters.pyannote import LocalSpeakers, Pyannote
from cortexia.models.adapters.running import PicturePart, Runner, SessionRunner
from cortexia.models.adapters.sface import Sface
from cortexia.models.adapters.wespeaker import Wespeaker
from cortexia.models.adapters.yamnet import Yamnet
from cortexia.models.base import FaceBatch, InferenceSession, ModelAccess, ModelEntry
from cortexia.types import Picture

OBJECT_DETECTION = "object detection"
FACE_DETECTION = "face detection"
HEAD_POSE = "head pose"
FACIAL_EXPRESSION = "facial expression"
FACE_EMBEDDING = "face embedding"
KEYPOINTS = "keypoints"
SEGMENTATION = "semantic segmentation"
PICTURE_EMBEDDING = "picture embedding"
TEXT_DETECTION = "text detection"
TEXT_RECOGNITION = "text recognition"
SOUND_EVENTS = "sound events"

VOICE_EMBEDDING = "voice embedding"
SPEAKER_SEGMENTATION = "speaker segmentation"

TASKS: dict[str, tuple[str, ...]] = {
    OBJECT_DETECTION: DETECTORS,
    FACE_DETECTION: ("yunet",),
    HEAD_POSE: ("fsanet",),
    FACIAL_EXPRESSION: ("expression",),
    FACE_EMBEDDING: ("sface",),
    KEYPOINTS: ("movenet",),
    SEGMENTATION: ("deeplab",),
    PICTURE_EMBEDDING: ("mobilenet-embedding",),
    TEXT_DETECTION: ("ppocr-detection",),
    TEXT_RECOGNITION: ("crnn",),
    SOUND_EVENTS: ("yamnet",),
    VOICE_EMBEDDING: ("wespeaker",),
    SPEAKER_SEGMENTATION: ("pyannote-segmentation",),
}
"""The families that serve a task."""

ADAPTERS = frozenset(family for families in TASKS.values() for family in families)
"""Every family of one file that something here can run."""

Vector = NDArray[np.float32]


def open_face_detector(
    models: ModelAccess,
    model_id: str,
    threshold: float = yunet.THRESHOLD,
    max_overlap: float | None = None,
    longest: int | None = None,
) -> Runner[Picture, FaceBatch]:
    """Faces in pictures (BGR, uint8, (h, w, 3)).

    ``threshold``: scores exceed it. ``max_overlap``: intersection over union of two faces, at most; by default the
    entry's or the family's own. ``longest``: pictures with a longer side are shrunk to it (pixels) where the network
    takes any size: half of it costs a quarter of the time, and faces must be twice as large to be found.
    """
    _check_longest(longest)
    entry, session = _opened(models, model_id, FACE_DETECTION)
    limits = Limits(threshold, settings.overlap(entry, yunet.MAX_OVERLAP) if max_overlap is None else max_overlap)
    names = tuple(output.name for output in session.outputs)
    family = yunet.Yunet(sizing_of(session, longest), limits, names)
    return SessionRunner(session, family.prepare, family.read, models.threads)


def open_head_pose(models: ModelAccess, model_ids: Sequence[str]) -> Runner[PicturePart, Vector]:
    """Yaw, pitch and roll (3,) of faces by their boxes; the mean of several models. See ``Fsanet``."""
    if not model_ids:
        raise ConfigurationError("head pose: name at least one model")
    opened = [_opened(models, model_id, HEAD_POSE) for model_id in model_ids]
    families = [(Fsanet(settings.side(entry, 64)), session) for entry, session in opened]
    return AveragedRunner(
        [SessionRunner(session, family.prepare, family.read, models.threads) for family, session in families]
    )


def open_expression(models: ModelAccess, model_id: str) -> Runner[PicturePart, Expression]:
    """The expression of faces by their landmarks. See ``ExpressionNet``."""
    _, session = _opened(models, model_id, FACIAL_EXPRESSION)
    family = ExpressionNet()
    return SessionRunner(session, family.prepare, family.read, models.threads)


def open_face_embedding(models: ModelAccess, model_id: str) -> Runner[PicturePart, Vector]:
    """Vectors of length 1 that stand for faces, by their landmarks. See ``Sface``."""
    _, session = _opened(models, model_id, FACE_EMBEDDING)
    family = Sface()
    return SessionRunner(session, family.prepare, family.read, models.threads)


def open_keypoints(models: ModelAccess, model_id: str) -> Runner[PicturePart, Vector]:
    """Joints (17, 3) of persons by their boxes. See ``Movenet``."""
    entry, session = _opened(models, model_id, KEYPOINTS)
    family = Movenet(settings.side(entry, 192))
    return SessionRunner(session, family.prepare, family.read, models.threads)


def open_segmenter(models: ModelAccess, model_id: str) -> Runner[Picture, ClassMap]:
    """The class of each pixel of pictures. See ``Deeplab``."""
    entry, session = _opened(models, model_id, SEGMENTATION)
    family = Deeplab(settings.side(entry, 513))
    return SessionRunner(session, family.prepare, family.read, models.threads)


def open_picture_embedding(models: ModelAccess, model_id: str) -> Runner[Picture, Vector]:
    """Vectors of length 1 that stand for pictures. See ``MobilenetEmbedding``."""
    entry, session = _opened(models, model_id, PICTURE_EMBEDDING)
    family = MobilenetEmbedding(settings.side(entry, 224), session.outputs[0].quantisation)
    return SessionRunner(session, family.prepare, family.read, models.threads)


def open_text_detector(
    models: ModelAccess, model_id: str, threshold: float = THRESHOLD, longest: int | None = LONGEST
) -> Runner[Picture, TextBatch]:
    """Where pictures show text. ``longest``: as for ``open_face_detector``. See ``PpocrDetection``."""
    _check_longest(longest)
    _, session = _opened(models, model_id, TEXT_DETECTION)
    family = PpocrDetection(sizing_of(session, longest), threshold)
    return SessionRunner(session, family.prepare, family.read, models.threads)


def open_text_reader(models: ModelAccess, model_id: str) -> Runner[PicturePart, ReadText]:
    """What texts say, by their corners. See ``Crnn``."""
    entry, session = _opened(models, model_id, TEXT_RECOGNITION)
    family = Crnn(settings.size(entry, (100, 32)), session.inputs[0].dtype or np.float32)
    return SessionRunner(session, family.prepare, family.read, models.threads, BATCH_AXIS)


def open_sound_tagger(models: ModelAccess, model_id: str) -> Runner[Vector, Vector]:
    """Scores (521,) of the classes of sound for patches of 15600 samples at 16 kHz. See ``Yamnet``."""
    _, session = _opened(models, model_id, SOUND_EVENTS)
    family = Yamnet()
    return SessionRunner(session, family.prepare, family.read)


def open_voice_embedding(models: ModelAccess, model_id: str) -> Runner[NDArray[np.float32], Vector]:
    """Vectors of length 1 that stand for voices in mono samples at 16 kHz. See ``Wespeaker``."""
    _, session = _opened(models, model_id, VOICE_EMBEDDING)
    family = Wespeaker()
    return SessionRunner(session, family.prepare, family.read, models.threads)


def open_speaker_segmentation(models: ModelAccess, model_id: str) -> Runner[NDArray[np.float32], LocalSpeakers]:
    """Who speaks when within ten seconds of mono samples at 16 kHz. See ``Pyannote``."""
    _, session = _opened(models, model_id, SPEAKER_SEGMENTATION)
    family = Pyannote()
    return SessionRunner(session, family.prepare, family.read, models.threads)


def _opened(models: ModelAccess, model_id: str, task: str) -> tuple[ModelEntry, InferenceSession]:
    entry = models.entry(model_id)
    settings.check_family(entry, task, TASKS[task])
    return entry, models.open(model_id)


def _check_longest(longest: int | None) -> None:
    if longest is not None and longest < 1:
        raise ConfigurationError(f"the longer side at which a network looks must be at least 1 pixel, got {longest}")
