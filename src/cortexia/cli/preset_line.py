"""One line on stderr: which preset is in force, and what a better one would take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cortexia.models.presets import PresetChoice


def tell_preset(choice: PresetChoice | None, as_json: bool) -> None:
    """Nothing where annotators were named. With ``as_json`` the line is an event like the others."""
    if choice is None:
        return
    click.echo(json.dumps(preset_to_event(choice)) if as_json else preset_to_line(choice), err=True)


def preset_to_line(choice: PresetChoice) -> str:
    """E.g. ``preset offline (nothing to download); 'cortexia models pull fast' adds yolox-nano (3.7 MB)``."""
    line = f"preset {choice.preset.name} ({choice.preset.summary})"
    if not choice.lacking:
        return line
    names = ", ".join(entry.id for entry in choice.lacking)
    pull = f"'cortexia models pull {(choice.better or choice.preset).name}'"
    what = f"{names} ({choice.lacking_bytes / 1e6:.1f} MB)"
    return f"{line}; {pull} adds {what}" if choice.better else f"{line}; it needs {what}, which {pull} brings"


def preset_to_event(choice: PresetChoice) -> dict[str, object]:
    return {
        "event": "preset_chosen",
        "preset": choice.preset.name,
        "better": choice.better.name if choice.better else None,
        "lacking": [entry.id for entry in choice.lacking],
        "lacking_bytes": choice.lacking_bytes,
    }
