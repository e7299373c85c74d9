"""A result as HTML for notebooks. Every text is escaped unless it is ``Html`` already (S-20)."""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cortexia.wording import clock

_STYLE = """
.cortexia{font:14px/1.5 system-ui,sans-serif;max-width:60em;color:inherit}
.cortexia h4{margin:0 0 .4em;font-size:1.15em;overflow-wrap:anywhere}
.cortexia .facts{display:flex;flex-wrap:wrap;gap:.2em 1.6em;margin:0 0 .8em;padding:0;list-style:none}
.cortexia .facts b{font-weight:600;margin-right:.4em}
.cortexia table{font:inherit;color:inherit;border-collapse:collapse;margin:0 0 .8em}
.cortexia th,.cortexia td{text-align:left;padding:.15em 1.2em .15em 0;border-bottom:1px solid #8884;vertical-align:top}
.cortexia td{overflow-wrap:anywhere}
.cortexia td.n,.cortexia th.n{text-align:right}
.cortexia .strip{display:flex;flex-wrap:wrap;gap:.5em}
.cortexia figure{margin:0;width:9.5em}
.cortexia img{width:100%;border-radius:4px;display:block}
.cortexia figcaption{font-size:.8em;opacity:.75}
.cortexia .note{opacity:.75;font-size:.85em;margin:.4em 0 0}
"""
_LABELS_SHOWN = 6
_LABEL_LENGTH = 40


class Html(str):
    """Text that is markup already: made by ``element`` alone."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Html:
    """An element; children that are not ``Html`` and all attributes are escaped. ``class_`` stands for ``class``."""
    return Html(f"<{name}{_attributes(attributes)}>{joined(children)}</{name}>")


def void_element(name: str, **attributes: str) -> Html:
    """An element without an end, such as ``img``."""
    return Html(f"<{name}{_attributes(attributes)}>")


def _attributes(attributes: Mapping[str, str]) -> str:
    return "".join(f' {key.rstrip("_")}="{html.escape(value)}"' for key, value in attributes.items())


def joined(children: Iterable[str]) -> Html:
    return Html("".join(child if isinstance(child, Html) else html.escape(child) for child in children))


def page(result: Mapping[str, Any], thumbnails: Mapping[str, bytes]) -> Html:
    """Facts, runs, counts of annotations by type, and key pictures with their times.

    ``thumbnails``: JPEG files by digest; of the key pictures those are shown whose file is given.
    """
    rows = result["annotations"]
    return element(
        "div",
        element("style", Html(_STYLE)),
        element("h4", element("bdi", str(result["uri"]).rpartition("/")[2])),
        _facts(result),
        _runs(result["runs"]),
        _counts(rows),
        _strip(rows, thumbnails),
        class_="cortexia",
    )


def _facts(result: Mapping[str, Any]) -> Html:
    verdict = result["verdict"] or {}
    facts = {
        "verdict": f"{verdict.get('status', 'not read')}{_reason(verdict)}",
        "frames": f"{verdict.get('frames_decoded', 0):,}",
        "annotations": f"{len(result['annotations']):,}",
        "annotated until": _time(max((row["end_s"] for row in result["annotations"]), default=0.0)),
        "id": str(result["video_id"])[:12],
    }
    items = [element("li", element("b", name), value) for name, value in facts.items()]
    return element("ul", joined(items), class_="facts")


def _reason(ended: Mapping[str, Any]) -> str:
    return f" ({ended['reason']})" if ended.get("reason") else ""


def _runs(runs: Sequence[Mapping[str, Any]]) -> Html:
    """Only what did not go well: the counts tell the rest."""
    troubled = [run for run in runs if run["status"] != "completed"]
    lines = [f"{run['annotator']} {run['status']}{_reason(run)}" for run in troubled]
    return joined(element("p", line, class_="note") for line in lines)


def _counts(rows: Sequence[Mapping[str, Any]]) -> Html:
    if not rows:
        return element("p", "nothing was found", class_="note")
    kinds = Counter(row["type"] for row in rows)
    head = element("tr", element("th", "type"), element("th", "count", class_="n"), element("th", "labels"))
    body = [
        element("tr", element("td", kind), element("td", f"{count:,}", class_="n"), element("td", _labels(rows, kind)))
        for kind, count in sorted(kinds.items())
    ]
    return element("table", head, *body)


def _labels(rows: Sequence[Mapping[str, Any]], kind: str) -> Html:
    """The most frequent labels of a type with their counts."""
    counts = Counter(row["label"] for row in rows if row["type"] == kind and row["label"] is not None)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts: list[str] = []
    for label, count in ordered[:_LABELS_SHOWN]:
        # a label may change the direction of writing: what follows it must not turn with it
        parts += [", " if parts else "", element("bdi", _short(label)), f" \u00d7 {count:,}"]
    more = len(ordered) - _LABELS_SHOWN
    return joined([*parts, f", and {more} more" if more > 0 else ""])


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_LENGTH else label[: _LABEL_LENGTH - 1] + "…"


def _strip(rows: Sequence[Mapping[str, Any]], thumbnails: Mapping[str, bytes]) -> Html:
    pictures = [row for row in rows if row["type"] == "key_picture"]
    shown = [row for row in pictures if row["data"]["thumbnail"] in thumbnails]
    if not pictures:
        return Html("")
    figures = [_figure(row, thumbnails[row["data"]["thumbnail"]]) for row in shown]
    note = f"{len(shown)} of {len(pictures)} key pictures"
    return joined([element("div", *figures, class_="strip"), element("p", note, class_="note")])


def _figure(row: Mapping[str, Any], jpeg: bytes) -> Html:
    source = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
    frame = f"frame {row['frame_index']}"
    picture = void_element("img", src=source, alt=frame, title=frame)
    return element("figure", picture, element("figcaption", _time(row["start_s"])))


def _time(seconds: float) -> str:
    return clock(round(seconds * 1e6), decimals=3, hours=True)
