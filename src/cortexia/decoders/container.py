"""The one place where files are opened with FFmpeg, and where its exceptions become ours (F8-F10, S-05)."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import av
import av.logging
from av.container import InputContainer

from cortexia.decoders.damage import said
from cortexia.decoders.limits import Limits
from cortexia.errors import RejectedInput

# Containers and elementary streams. Never a playlist or manifest (hls, dash, concat, sdp), a device, an image pattern
# (image2) or a still picture (*_pipe): they read other files, open sockets, or take any text for a picture.
FORMATS = (
    "mov,matroska,avi,flv,asf,mxf,nut,gif,apng,ivf,obu,av1,"
    "mpegts,mpeg,mpegvideo,m4v,h261,h263,h264,hevc,vvc,vc1,dv,yuv4mpegpipe,"
    "ogg,wav,w64,aiff,au,caf,mp3,flac,aac,ac3,eac3,ac4,dts,dtshd,truehd,mlp,amr,amrnb,amrwb,wv,tta"
)


def require_file(path: Path, limits: Limits) -> int:
    """Size in bytes of the regular file at the absolute ``path``. Raises ``RejectedInput``."""
    if not path.is_absolute():
        raise RejectedInput("unreadable", "the decoder takes absolute paths only")
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise RejectedInput("unreadable", f"cannot be read: {said(str(error))}") from error
    if not stat.S_ISREG(status.st_mode):
        raise RejectedInput("unreadable", "not a regular file")
    if status.st_size == 0:
        raise RejectedInput("empty", "the file is empty")
    if status.st_size > limits.file_bytes:
        raise RejectedInput(
            "too_large", f"the file has {status.st_size} bytes, at most {limits.file_bytes} are allowed"
        )
    return status.st_size


def open_container(path: Path, limits: Limits) -> tuple[InputContainer, tuple[str, ...]]:
    """Open a local file; also the errors that its demuxer logged on the way. Raises ``RejectedInput``.

    The path goes in with ``file:`` before it, so that no name is taken for a protocol, a pattern or an option; the
    whitelists hold for whatever the file refers to; no format is forced, content alone decides.
    """
    require_file(path, limits)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": FORMATS,
        "max_pixels": str(limits.coded_pixels),
        "max_streams": str(limits.streams + 1),
    }
    with av.logging.Capture(True) as lines:
        try:
            container = av.open(
                "file:" + os.fspath(path),
                options=options,
                metadata_errors="replace",
                timeout=(limits.open_timeout_s, limits.read_timeout_s),
            )
        except Exception as error:
            raise rejection(error, [line[2] for line in lines]) from error
    if len(container.streams) > limits.streams:
        container.close()
        raise RejectedInput("too_large", f"more than {limits.streams} streams")
    demuxer = container.format.name
    return container, tuple(said(f"{name}: {text}") for _, name, text in lines if name == demuxer)


def rejection(error: Exception, log: list[str]) -> RejectedInput:
    """The reason code for an exception of FFmpeg or PyAV, and one line for people."""
    last = said(log[-1]) if log else ""
    if any("whitelist" in line for line in log):
        return RejectedInput("format_not_allowed", "a format that is not accepted (playlist, picture or device)")
    if any("Picture size" in line for line in log):
        return RejectedInput("too_large", last)
    if isinstance(error, PermissionError | FileNotFoundError | TimeoutError):
        return RejectedInput("unreadable", f"cannot be read: {said(getattr(error, 'strerror', None) or str(error))}")
    return RejectedInput("not_media", f"not a video or sound file that can be read ({last or type(error).__name__})")


def configure(context: Any, threads: int, limits: Limits) -> None:
    """Set a codec context up before its first packet. One thread means none of FFmpeg's own: byte-identical."""
    context.thread_type = "NONE" if threads == 1 else "AUTO"
    context.thread_count = threads
    if context.type == "video":
        context.options = {"max_pixels": str(limits.coded_pixels)}
