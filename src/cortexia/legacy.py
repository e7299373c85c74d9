"""The two managers of older programs, over the same App as everything else. Deprecated: they go with version 1.0."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import cast

from cortexia import registry
from cortexia.annotators.objects import Objects
from cortexia.config import ConfigManager, ProcessingConfig, load_settings
from cortexia.errors import ModelError
from cortexia.files import make_folder
from cortexia.models.adapters import Detector, open_detector
from cortexia.models.shop import ModelShop
from cortexia.pipelines import annotators_of
from cortexia.plan import make_recipes
from cortexia.processor import VideoProcessor

_DETECTORS = "objects"


class LegacyProcessingManager:
    """Annotates one video at a time and writes what was found to a file.

    ``processing.output_dir`` (default: the working folder) and ``processing.output_format`` (default: ``coco``) say
    where to and in which format; the rest of the configuration is read by ``ProcessingConfig.from_legacy``.
    """

    def __init__(self, config_manager: ConfigManager) -> None:
        warnings.warn(
            f"{type(self).__name__} is deprecated and goes with cortexia 1.0; use cortexia.VideoProcessor",
            DeprecationWarning,
            stacklevel=2,
        )
        self.config = ProcessingConfig.from_legacy(config_manager)
        self._folder = Path(config_manager.get_param("processing.output_dir", "."))

    def process_video(self, path: str | Path, mode: str = "detect") -> str:
        """Annotate the video at ``path`` and return the path of the file that was written.

        Raises ``UnknownNameError`` for a word of ``mode`` that nobody knows, ``RejectedInput`` for a file that holds
        nothing to annotate.
        """
        source = Path(path)
        exporter = registry.load("exporters", self.config.output_format)
        with VideoProcessor(self.config) as processor:
            found = processor.process(source, mode)
            make_folder(self._folder)
            return str(
                processor.export(found["video_id"], self._folder / f"{source.stem}_annotations{exporter.suffix}")
            )


class ProcessingManager(LegacyProcessingManager):
    """The same, with a detector that can be loaded before the first video and used on pictures of one's own."""

    def __init__(self, *, config_manager: ConfigManager) -> None:
        super().__init__(config_manager)
        self.detector: Detector | None = None

    def load_components(self, mode: str) -> None:
        """Load what ``mode`` needs. With ``detect`` among its words, ``detector.detect([picture])`` takes BGR pictures,
        (height, width, 3) uint8, and returns a ``DetectionBatch`` for each.

        Raises ``ModelError`` where weights are missing; the message names the command that fetches them.
        """
        if _DETECTORS in annotators_of(mode):
            self.detector = _load_detector(self.config)


def _load_detector(config: ProcessingConfig) -> Detector:
    models = ModelShop(replace(load_settings().settings, device=config.device))
    recipe = cast(Objects, make_recipes((_DETECTORS,), config.annotator_options)[0]).bound(models.best)
    if not recipe.model_ids:
        raise ModelError("missing", "no weights of a detector are here; run: cortexia models pull fast")
    return open_detector(models.access, recipe.model, recipe.least, recipe.nms)
