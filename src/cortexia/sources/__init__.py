"""Where videos come from: files, folders, globs, archives, image sequences, bytes, manifests, the web, buckets."""

from cortexia.digests import IdentityCache
from cortexia.sources.adapter import InputAdapter
from cortexia.sources.archive import ArchiveInputStream
from cortexia.sources.base import InputStream, SourceVideo
from cortexia.sources.cache import MediaCache, open_path
from cortexia.sources.identity import identify, require_unchanged
from cortexia.sources.local import FileInputStream
from cortexia.sources.manifest import ManifestInputStream
from cortexia.sources.memory import MemoryInputStream
from cortexia.sources.remote import RemoteAccess, StreamInputStream
from cortexia.sources.sequence import ImageSequenceInputStream
from cortexia.sources.uris import path_to_uri, uri_to_path

__all__ = [
    "ArchiveInputStream",
    "FileInputStream",
    "IdentityCache",
    "ImageSequenceInputStream",
    "InputAdapter",
    "InputStream",
    "ManifestInputStream",
    "MediaCache",
    "MemoryInputStream",
    "RemoteAccess",
    "SourceVideo",
    "StreamInputStream",
    "identify",
    "open_path",
    "path_to_uri",
    "require_unchanged",
    "uri_to_path",
]
