"""Text of cues: what may stand in one, how wide it is, and where its lines end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise, takewhile

_SPACE = re.compile("[^\\S\u00a0\u202f]+")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_CLOSING = "\"'\u201d\u2019\u00bb)]}\u203a\u300d\u300f\uff09\u3011"
_SENTENCE_ENDS = tuple(".!?\u2026\u3002\uff01\uff1f\u061f\u06d4\u0964")
_CLAUSE_ENDS = tuple(",;:\u2014\u2013\u060c\u061b\u3001\uff0c\uff1b\uff1a")
# scripts that write no spaces between words
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
_SPACELESS_SIGN = re.compile(f"[{_SPACELESS}]")
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_OPENING = "\u300c\u300e\uff08\u3010\u300a\u3008"
# small kana and the sign that lengthens a vowel
_NEVER_FIRST = (
    "\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3\u30e5\u30e7\u30fc"
)
_PIECE = re.compile(
    f"[{_OPENING}]*[{_IDEOGRAPHS}][{_NEVER_FIRST}]*[^\\s\\w{_OPENING}]*|[^{_IDEOGRAPHS}{_OPENING}]+|[{_OPENING}]+"
)

SENTENCE, CLAUSE, NOTHING = 2, 1, 0


def cleaned(text: str) -> str:
    """``text`` on one line: white space as single spaces, none around it, and no characters that are not shown. Spaces
    that must not be broken stay."""
    return _UNSEEN.sub("", _SPACE.sub(" ", text)).strip()


def pieces(text: str) -> list[str]:
    """The words of cleaned text. Of scripts that write no spaces, Chinese and Japanese fall into single characters,
    each with its punctuation; others stay whole."""
    return [piece for word in text.split(" ") for piece in _PIECE.findall(word)]


@lru_cache(maxsize=4096)
def width(text: str) -> int:
    """In columns: characters, those of double width twice, those that stand upon others not at all."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) or unicodedata.category(sign) == "Cf" else 1 + _is_wide(sign) for sign in text
    )


def chunks(word: str, columns: int) -> list[str]:
    """``word`` in as few parts as are no wider than ``columns``; a single character may be."""
    made, room = [""], columns
    for sign in word:
        if width(sign) > room and made[-1]:
            made.append("")
            room = columns
        made[-1] += sign
        room -= width(sign)
    return made


def _is_wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in "WF"


def joined(words: Sequence[str]) -> str:
    """Words with the spaces that their scripts have."""
    parts: list[str] = []
    for word in words:
        parts += [space_between(parts[-1], word), word] if parts else [word]
    return "".join(parts)


def space_between(word: str, following: str) -> str:
    """A space, or nothing where one of both is of a script that writes none."""
    return "" if _SPACELESS_SIGN.match(word[-1:]) or _SPACELESS_SIGN.match(following[:1]) else " "


def ends(word: str) -> int:
    """Whether a sentence or a clause ends with ``word``."""
    bare = word.rstrip(_CLOSING)
    if bare.endswith(_SENTENCE_ENDS):
        return SENTENCE
    return CLAUSE if bare.endswith(_CLAUSE_ENDS) else NOTHING


def line_counts(words: Iterable[str], columns: int) -> Iterator[int]:
    """For each word how many lines it and those before it need at least, where none is wider than ``columns`` unless a
    single word is."""
    count, held, last = 0, 0, ""
    for word in words:
        longer = held + len(space_between(last, word)) + width(word)
        if count and longer <= columns:
            held = longer
        else:
            count, held = count + 1, width(word)
        last = word
        yield count


def lines_of(words: Sequence[str], columns: int) -> list[str]:
    """Words on as few lines as they need, which are about equally long; they rather end where a clause does, and the
    last is rather the longer one."""
    count, last = max(line_counts(words, columns), default=0), len(words)
    costs = _Costs(words, columns)
    best: dict[tuple[int, int], tuple[float, int]] = {(0, 0): (0.0, 0)}
    for line in range(1, count + 1):
        for end in range(line, last + 1) if line < count else (last,):
            known = [start for start in costs.starts(end) if (line - 1, start) in best]
            if known:
                best[line, end] = min((best[line - 1, start][0] + costs.of(start, end), start) for start in known)
    lines, end = [], last
    for line in range(count, 0, -1):
        start = best[line, end][1]
        lines.append(joined(words[start:end]))
        end = start
    return lines[::-1]


class _Costs:
    """Of lines: the square of the width, which is least in sum where lines are equally long."""

    def __init__(self, words: Sequence[str], columns: int) -> None:
        self._words = words
        self._columns = columns
        self._spaces = [0, *(len(space_between(*pair)) for pair in pairwise(words))]
        self._until = [0, *accumulate(space + width(word) for space, word in zip(self._spaces, words, strict=True))]

    def starts(self, end: int) -> Iterator[int]:
        """Where a line of several words that fit, or of one, may begin that ends before ``end``."""
        yield end - 1
        yield from takewhile(lambda start: self._width(start, end) <= self._columns, range(end - 2, -1, -1))

    def of(self, start: int, end: int) -> float:
        """Of a line of the words from ``start`` to before ``end``."""
        size = self._width(start, end) / self._columns
        is_last = end == len(self._words)
        clause = 0.0 if is_last else 0.15 * ends(self._words[end - 1])
        return size**2 - clause - 0.02 * is_last * size

    def _width(self, start: int, end: int) -> int:
        return self._until[end] - self._until[start] - self._spaces[start]
