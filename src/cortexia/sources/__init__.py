"""Where videos come from: files, folders, globs, bytes."""

from cortexia.digests import IdentityCache
from cortexia.sources.adapter import InputAdapter
from cortexia.sources.base import InputStream, SourceVideo
from cortexia.sources.cache import MediaCache, open_path
from cortexia.sources.identity import identify
from cortexia.sources.local import FileInputStream, path_to_uri, uri_to_path
from cortexia.sources.memory import MemoryInputStream

__all__ = [
    "FileInputStream",
    "IdentityCache",
    "InputAdapter",
    "InputStream",
    "MediaCache",
    "MemoryInputStream",
    "SourceVideo",
    "identify",
    "open_path",
    "path_to_uri",
    "uri_to_path",
]
