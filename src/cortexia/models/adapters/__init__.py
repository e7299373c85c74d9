"""One family of detectors a file: how pictures go in, and what comes out. Nothing here keeps anything of a picture."""

from cortexia.models.adapters.base import Detector, Family
from cortexia.models.adapters.choice import open_detector

__all__ = ["Detector", "Family", "open_detector"]
