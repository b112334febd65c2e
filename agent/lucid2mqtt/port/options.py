"""What the ports are told, in small frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LUCIDCONTROL_USB_IDS = ("16D0:0821",)
"""The only pair in the vendor's driver file (protocol page, section 1); later modules may carry another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """How `tls://` ports are trusted: `ca` in place of the system's own, `cert` and `key` where the server wants ours."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    server_name: str | None = None  # the name in the server's certificate, where it is not the host of the address


@dataclass(frozen=True, slots=True, kw_only=True)
class PortOptions:
    """Which ports are used and how patiently.

    `patterns`: "auto" (USB ports with one of `usb_ids`), paths, globs, `tcp://`, `tls://`, and "!path" for ports to leave alone.
    `reply_timeout_s` holds for ordinary requests; those that write the module's memory get longer.
    """

    patterns: tuple[str, ...] = ("auto",)
    usb_ids: tuple[str, ...] = LUCIDCONTROL_USB_IDS
    scan_s: float = 1.0
    reply_timeout_s: float = 0.25
    tls: TlsOptions | None = None
