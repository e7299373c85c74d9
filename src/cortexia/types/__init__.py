"""The vocabulary: frozen values and protocols, no I/O. Everything above speaks in these words."""

from cortexia.types.annotation import Annotation
from cortexia.types.embedding import Embedding
from cortexia.types.frame import AudioBlock, Frame, Picture, Sampling, SamplingKind, TimeSource, ViewSpec, frame_span
from cortexia.types.geometry import BBox
from cortexia.types.identities import Appearance, FaceTrack, Person, Track
from cortexia.types.naming import Identity, PersonNote
from cortexia.types.query import Query
from cortexia.types.regions import Detection, Face, Mask, Pose, Region, ScreenText, TrackBox
from cortexia.types.run import (
    LOCAL_TENANT,
    AnnotationRecord,
    JobState,
    Progress,
    QuarantinedAnnotation,
    RunSpec,
    RunStatus,
    StoredRow,
    annotation_id,
    canonical_json,
    digest_of,
    run_id_of,
)
from cortexia.types.spans import (
    Caption,
    Classification,
    KeyPicture,
    Measure,
    Shot,
    ShotSummary,
    SoundEvent,
    Transition,
)
from cortexia.types.speech import SpeakerTurn, Speech, SpokenWord, Utterance, Word
from cortexia.types.time import MICROSECONDS, WHOLE_VIDEO, TimeRange, TimeSpan, Timestamp
from cortexia.types.video import (
    Anchor,
    AudioStream,
    MediaInfo,
    Verdict,
    VerdictStatus,
    VideoIdentity,
    VideoStream,
)
from cortexia.types.vocabulary import ANNOTATION_TYPES, annotation_from_fields

__all__ = [
    "ANNOTATION_TYPES",
    "LOCAL_TENANT",
    "MICROSECONDS",
    "WHOLE_VIDEO",
    "Anchor",
    "Annotation",
    "AnnotationRecord",
    "Appearance",
    "AudioBlock",
    "AudioStream",
    "BBox",
    "Caption",
    "Classification",
    "Detection",
    "Embedding",
    "Face",
    "FaceTrack",
    "Frame",
    "Identity",
    "JobState",
    "KeyPicture",
    "Mask",
    "Measure",
    "MediaInfo",
    "Person",
    "PersonNote",
    "Picture",
    "Pose",
    "Progress",
    "QuarantinedAnnotation",
    "Query",
    "Region",
    "RunSpec",
    "RunStatus",
    "Sampling",
    "SamplingKind",
    "ScreenText",
    "Shot",
    "ShotSummary",
    "SoundEvent",
    "SpeakerTurn",
    "Speech",
    "SpokenWord",
    "StoredRow",
    "TimeRange",
    "TimeSource",
    "TimeSpan",
    "Timestamp",
    "Track",
    "TrackBox",
    "Transition",
    "Utterance",
    "Verdict",
    "VerdictStatus",
    "VideoIdentity",
    "VideoStream",
    "ViewSpec",
    "Word",
    "annotation_from_fields",
    "annotation_id",
    "canonical_json",
    "digest_of",
    "frame_span",
    "run_id_of",
]
