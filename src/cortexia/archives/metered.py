"""Files that refuse to give more than they may."""

from __future__ import annotations

import io
from typing import IO

from cortexia.archives.base import ArchiveLimits
from cortexia.errors import RejectedInput

_STEP_BYTES = 64 * 1024


class CappedReads:
    """A file of which no more than ``limit`` bytes are read at once: libraries read headers whole, however long they
    say they are."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self.limit = limit

    def read(self, size: int = -1) -> bytes:
        if size > self.limit:
            raise RejectedInput("too_large", f"not unpacked: it asks for {size} bytes to be read at once")
        data = self._file.read(self.limit + 1 if size < 0 else size)
        if len(data) > self.limit:
            raise RejectedInput("too_large", f"not unpacked: it asks for more than {self.limit} bytes at once")
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()


class MeteredStream(CappedReads):
    """What comes out of a decompressor, as long as it is in proportion to what went in.

    ``packed`` is the file that the decompressor reads. Skipped bytes count as read ones.
    """

    def __init__(self, file: IO[bytes], packed: IO[bytes], limits: ArchiveLimits) -> None:
        super().__init__(file, limits.header_bytes)
        self._packed = packed
        self._limits = limits

    def read(self, size: int = -1) -> bytes:
        data = super().read(size)
        self._check()
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only positions from the start")
        while (left := offset - self.tell()) > 0:
            if not self.read(min(left, _STEP_BYTES)):
                return self.tell()
        return self._file.seek(offset)

    def _check(self) -> None:
        unpacked, packed = self.tell(), self._packed.tell()
        if not self._limits.allow_ratio(unpacked, packed):
            raise RejectedInput("too_large", f"not unpacked: {packed} bytes of it unpack to {unpacked} and more")
