"""Where videos come from: files, folders, globs, bytes, manifests, the web and object storage."""

from cortexia.sources.adapter import InputAdapter
from cortexia.sources.base import InputStream, SourceVideo
from cortexia.sources.cache import MediaCache, open_path
from cortexia.sources.identity import IdentityCache, identify
from cortexia.sources.local import FileInputStream, path_to_uri, uri_to_path
from cortexia.sources.manifest import ManifestInputStream
from cortexia.sources.memory import MemoryInputStream
from cortexia.sources.remote import RemoteAccess, StreamInputStream

__all__ = [
    "FileInputStream",
    "IdentityCache",
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
    "uri_to_path",
]
