"""Addresses of objects: ``s3://bucket/key`` and ``gs://bucket/key``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from cortexia.errors import SourceRefusedError

_ADDRESS = re.compile(r"(s3|gs)://([^/]*)(?:/(.*))?", re.DOTALL | re.IGNORECASE)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,220}[A-Za-z0-9]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_object_address(text: str) -> bool:
    return text[:5].lower() in ("s3://", "gs://")


@dataclass(frozen=True, slots=True)
class ObjectAddress:
    """``key`` may hold any character that is not a control character; it is never taken for a path of this machine."""

    scheme: str
    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ``SourceRefusedError`` for what is no address of an object or of a prefix."""
        match = _ADDRESS.fullmatch(text)
        if match is None or not _BUCKET.fullmatch(match[2]) or ".." in match[2]:
            raise SourceRefusedError(f"refused: {text[:200]!r} names no bucket; write s3://bucket/key")
        if _CONTROL.search(text):
            raise SourceRefusedError(f"refused: {text[:200]!r} holds a control character")
        return cls(match[1].lower(), match[2], match[3] or "")

    @property
    def is_prefix(self) -> bool:
        """A bucket, or what ends in a slash, stands for all objects below it."""
        return not self.key or self.key.endswith("/")

    @property
    def path(self) -> str:
        return f"{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        return self.key.rstrip("/").rpartition("/")[2] or self.bucket

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"
