"""What goes over the console's socket.

A request is one line `{"verb": "read", ...}`; the reply one line, `{"ok": true, "result": ...}` or `{"ok": false, "error": {...}}`.
An error carries `kind` with what its class has to say, so that the command line raises it again as if it had happened there.
"""

from __future__ import annotations

import json
from typing import Any

from lucid2mqtt.errors import DeviceRefused, LinkBusy, LinkError, LinkLost, LucidError, Reason, ReplyTimeout, RequestRejected

MAX_LINE_BYTES = 65536

Document = dict[str, Any]  # Any: JSON

_LINKS: dict[str, type[LinkError]] = {"link": LinkError, "lost": LinkLost, "busy": LinkBusy, "timeout": ReplyTimeout}


def encode(document: Document) -> bytes:
    """One line."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> Document:
    """The object on a line; ValueError when there is none."""
    try:
        document = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  the line is at fault, not the caller
    return document


def error_document(error: LucidError) -> Document:
    """An error as the reply carries it."""
    shared: Document = {"message": str(error)}
    match error:
        case RequestRejected():
            return shared | {"kind": "rejected", "reason": error.reason.value, "remedy": error.remedy}
        case DeviceRefused():
            return shared | {"kind": "refused", "status": error.status}
        case LinkError():
            kind = next((name for name, link in _LINKS.items() if type(error) is link), "link")
            return shared | {"kind": kind, "sent": error.sent}
    return shared | {"kind": "other"}


def error_from(document: Document) -> LucidError:
    """The error a reply carries; one that makes no sense is still an error."""
    message = str(document.get("message", "the agent gave no reason"))
    kind = document.get("kind")
    if kind == "rejected" and document.get("reason") in set(Reason):
        return RequestRejected(Reason(document["reason"]), message, str(document.get("remedy", "")))
    if kind == "refused" and isinstance(document.get("status"), int):
        return DeviceRefused(document["status"], message)
    if isinstance(kind, str) and kind in _LINKS:
        return _LINKS[kind](message, sent=bool(document.get("sent")))
    return LucidError(message)
