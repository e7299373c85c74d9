"""Archives from outside: looked through first, refused whole, and only then unpacked (S-10, F14)."""

from cortexia.archives.base import ArchiveLimits, Member
from cortexia.archives.extract import Extraction, Unpacked, archive_format, extract

__all__ = ["ArchiveLimits", "Extraction", "Member", "Unpacked", "archive_format", "extract"]
