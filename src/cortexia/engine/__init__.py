"""One video: decode, dispatch, sessions, windows. The engine yields windows; a worker commits them."""

from cortexia.engine.control import CancelToken, EngineOptions, ProgressEvent, StoredReader, WindowPolicy
from cortexia.engine.stream_pass import PassContext, StreamPass
from cortexia.engine.video import VideoAnnotation

__all__ = [
    "CancelToken",
    "EngineOptions",
    "PassContext",
    "ProgressEvent",
    "StoredReader",
    "StreamPass",
    "VideoAnnotation",
    "WindowPolicy",
]
