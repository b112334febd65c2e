"""Which serial ports hang on USB, and which device each one is."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from serial.tools import list_ports

LOG = logging.getLogger(__name__)
BY_PATH = Path("/dev/serial/by-path")
_WITH_REVISION = "-usbv"


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


def usb_sockets() -> dict[str, str]:
    """The USB socket of every serial port, by device path, as udev calls it in ID_PATH: "pci-0000:00:14.0-usb-0:2:1.0".

    Read off the links udev makes (60-serial.rules). Since systemd 255 there is a second link with the revision of USB in it, which is
    another property.
    """
    links = sorted(BY_PATH.glob("*"))
    return {os.path.realpath(link): link.name for link in links if _WITH_REVISION not in link.name}
