"""What of a sandbox's displays may be looked at: text without control characters and pictures, never markup."""

import base64
import binascii
import re
from typing import Any

from perflab.guest.shells import MOST_IMAGE, MOST_OUTPUTS, MOST_TEXT

PNG = b"\x89PNG\r\n\x1a\n"
MOST_SHOWN = 8 << 20  # characters of all outputs of one examination, pictures as they are encoded
MORE = "More is not shown: the notebook displays too much.\n"
# Terminals obey the first; halves of a character, the others, cannot be written to a file.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def harmless(outputs: Any, room: int = MOST_SHOWN) -> list[dict[str, Any]]:
    """Return the outputs of a cell as a sandbox sent them, without what could do harm; it may be hostile.

    Parameters
    ----------
    outputs : object
    room : int
        Characters that are left for them.
    """
    kept: list[dict[str, Any]] = []
    for one in outputs[:MOST_OUTPUTS] if isinstance(outputs, list) else []:
        if not isinstance(one, dict):
            continue
        if isinstance(one.get("text"), str):
            kept.append({"name": "stdout", "text": plain(one["text"])})
        elif isinstance(one.get("data"), dict) and (data := _data(one["data"])):
            kept.append({"data": data})
        if size(kept) > room:
            return [*kept[:-1], {"name": "stdout", "text": MORE}] if room > 0 else []
    return kept


def size(outputs: list[dict[str, Any]]) -> int:
    """Return how many characters outputs have."""
    return sum(len(one.get("text", "")) + sum(map(len, one.get("data", {}).values())) for one in outputs)


def plain(text: str) -> str:
    """Return text that a terminal and a page show as it is."""
    return CONTROL.sub("", text[:MOST_TEXT])


def _data(data: dict[str, Any]) -> dict[str, str]:
    kept = {}
    text, image = data.get("text/plain"), data.get("image/png")
    if isinstance(text, str):
        kept["text/plain"] = plain(text)
    if isinstance(image, str) and len(image) <= MOST_IMAGE and _is_png(image):
        kept["image/png"] = image
    return kept


def _is_png(text: str) -> bool:
    try:
        return base64.b64decode(text, validate=True).startswith(PNG)
    except (ValueError, binascii.Error):
        return False
