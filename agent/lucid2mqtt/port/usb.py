"""Which serial ports hang on USB, and which device each one is."""

from __future__ import annotations

import logging

from serial.tools import list_ports

LOG = logging.getLogger(__name__)


def usb_ports() -> dict[str, str] | None:
    """The USB id ("16D0:0821") of every serial port on USB, by device path; None when the list was in motion: ask again.

    Reads a few files of sysfs per port (about 2 ms): call it off the loop, and only when devices came or went.
    """
    try:
        ports = list_ports.comports()
    except (OSError, TypeError, ValueError) as fault:  # pyserial stumbles over a device that goes away under its hands
        LOG.debug("USB ports cannot be listed just now: %s", fault)
        return None
    return {port.device: f"{port.vid:04X}:{port.pid:04X}" for port in ports if port.vid is not None and port.pid is not None}
