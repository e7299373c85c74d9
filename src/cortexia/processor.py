"""``VideoProcessor``: the library's front door. One video in this process, over the same App as everything else."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cortexia.app import App, Request
from cortexia.config import ProcessingConfig, Settings, load_settings, merged_options
from cortexia.decoders.sequence import parse_rate
from cortexia.exporters.jsonl import row_to_dict
from cortexia.pipelines import annotators_of
from cortexia.results import Result, shown_pictures
from cortexia.stores.base import RunRecord
from cortexia.types import Query

DETECTORS = ("objects",)
"""Annotators to which ``frame_interval`` of a configuration applies, unless their own options say otherwise."""
SUPPORTED_FORMATS = ("mp4", "avi", "mov", "mkv", "webm", "image_sequence")


class VideoProcessor:
    """Annotates videos one at a time.

    Without ``store`` what is found lives in a temporary store until ``close``; with it (a path or URL as for the
    command line) it is kept, and what is stored already is not computed again.
    """

    def __init__(self, config: ProcessingConfig | None = None, store: str | Path | None = None) -> None:
        self.config = config or ProcessingConfig()
        self._folder = None if store else tempfile.TemporaryDirectory(prefix="cortexia-")
        location = str(store) if store else str(Path(self._folder.name) / "store.db" if self._folder else "")
        self._app = App(self._settings(location))

    def _settings(self, location: str) -> Settings:
        settings = load_settings({"store": location, "executor": "inline"}).settings
        options = merged_options(settings.options, self.config.annotator_options)
        device = self.config.device if "device" in self.config.model_settings else settings.device
        return replace(settings, batch_size=self.config.batch_size, device=device, options=self._sampled(options))

    def _sampled(self, options: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """``options`` with ``frame_interval`` where a detector's own say nothing of sampling."""
        for name in DETECTORS:
            own = options.get(name, {})
            if self.config.frame_interval != 1 and not {"frame_interval", "per_second"} & own.keys():
                options[name] = {**own, "frame_interval": self.config.frame_interval}
        return options

    def process(
        self, source: str | Path | bytes | BytesIO, mode: str = "detect", fps: str | float | Fraction | None = None
    ) -> Result:
        """Annotate ``source`` and return its video, runs and annotations: a dict of JSON values that also turns into
        tables (``to_pandas``, ``to_arrow``), detections (``to_supervision``) and a page in notebooks.

        ``fps``: ``source`` is a folder of pictures, one video at this rate (``25``, ``"30000/1001"``).
        Raises ``RejectedInput`` for an input that holds nothing to annotate, ``UnknownNameError`` for a mode word.
        """
        identity = self._app.identify_one(source, None if fps is None else parse_rate(fps))
        rows = list(self._app.stream(identity, self._request(mode)))
        rows.sort(key=lambda row: (row.start_us, row.annotation.type, row.annotation_id))
        status = self._app.video_status(identity.video_id)
        verdict = status.record.verdict if status else None
        annotations = [row_to_dict(row) for row in rows]
        values = {
            "video_id": identity.video_id,
            "uri": identity.uri,
            "verdict": verdict.as_dict() if verdict else None,
            "runs": [_run_to_dict(run) for run in (status.runs if status else ())],
            "annotations": annotations,
        }
        return Result(values, self._thumbnails(annotations))

    def _thumbnails(self, annotations: list[dict[str, Any]]) -> dict[str, bytes]:
        """Files of the pictures that a page shows: read now, because a temporary store goes with this processor."""
        blobs = self._app.store().blobs
        digests = [row["data"]["thumbnail"] for row in shown_pictures(annotations)]
        return {digest: blobs.get(digest) for digest in digests if digest in blobs}

    def stream(
        self, source: str | Path | bytes | BytesIO, mode: str = "detect", fps: str | float | Fraction | None = None
    ) -> Iterator[dict[str, Any]]:
        """Annotations as they are committed, as JSON values."""
        request = self._request(mode)
        identity = self._app.identify_one(source, None if fps is None else parse_rate(fps))
        for row in self._app.stream(identity, request):
            yield row_to_dict(row)

    def _request(self, mode: str) -> Request:
        return Request(annotators_of(mode), self._app.settings.options)

    def export(self, video_id: str, output: str | Path) -> Path:
        """Write what is stored of a video in the ``output_format`` of the configuration; returns the path."""
        self._app.export(self.config.output_format, output, Query(video_ids=(video_id,)))
        return Path(output)

    @staticmethod
    def get_supported_formats() -> list[str]:
        return list(SUPPORTED_FORMATS)

    def close(self) -> None:
        self._app.close(abandon=self._folder is not None)
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _run_to_dict(run: RunRecord) -> dict[str, Any]:
    return {
        "annotator": run.spec.annotator,
        "version": run.spec.version,
        "status": run.status.value,
        "reason": run.reason,
        "run_id": run.run_id,
    }
