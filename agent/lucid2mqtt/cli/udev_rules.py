"""udev rules that name modules by their serial numbers, which a module tells to whoever asks it but not to USB.

So a rule names a USB socket after the module that sits in it now.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GROUP = "dialout"
MODE = "0660"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluggedModule:
    """A module in a USB socket. `usb_id` is vendor and product, "16D0:0821"; `socket` is udev's ID_PATH."""

    serial: int
    text: str  # what it is, for people
    usb_id: str
    socket: str


def rules_text(modules: Sequence[PluggedModule], usb_ids: Iterable[str], unnamed: Sequence[str]) -> str:
    """A whole rules file. `usb_ids` are kept from ModemManager, module or none; `unnamed` says what got no name, and why."""
    told = Counter(module.serial for module in modules)
    twice = [f"{_about(module)} in {module.socket}: another module tells the same number" for module in modules if told[module.serial] > 1]
    lines = [line for module in modules if told[module.serial] == 1 for line in _name(module)]
    ids = sorted({usb_id.lower() for usb_id in (*usb_ids, *(module.usb_id for module in modules))})
    return "\n".join(
        [
            *_HEAD,
            *(f"# No name for {_plain(line)}" for line in (*twice, *unnamed)),
            "",
            'ACTION=="remove", GOTO="lucid2mqtt_modules_end"',
            *(_keep_modem_manager_from(usb_id) for usb_id in ids),
            'SUBSYSTEM!="tty", GOTO="lucid2mqtt_modules_end"',
            *(f'SUBSYSTEMS=="usb", {_device("ATTRS", usb_id)}, GOTO="lucid2mqtt_modules_port"' for usb_id in ids),
            'GOTO="lucid2mqtt_modules_end"',
            "",
            'LABEL="lucid2mqtt_modules_port"',
            f'GROUP="{GROUP}", MODE="{MODE}", ENV{{ID_MM_DEVICE_IGNORE}}="1", ENV{{ID_MM_PORT_IGNORE}}="1"',
            'IMPORT{builtin}="path_id"',
            *lines,
            "",
            'LABEL="lucid2mqtt_modules_end"',
            "",
        ]
    )


_HEAD = """\
# Names for the LucidControl modules of this machine, made by: lucid2mqtt doctor --udev
#
#   /dev/lucid/SERIAL    the module with this serial number
#
# USB does not tell the serial number of a module, so each rule names a USB socket after the module that sat in it when
# this file was made. A name stays with its socket. When two modules change places, their names lead to the wrong one; a
# module in a socket without a rule has no name, nor has one behind another hub. After any change: make this file anew.
# lucid2mqtt itself needs no names. It asks each module who it is.""".splitlines()


def _name(module: PluggedModule) -> tuple[str, ...]:
    return "", f"# {_about(module)}", f'ENV{{ID_PATH}}=="{_pattern(module.socket)}", SYMLINK+="lucid/{module.serial}"'


def _about(module: PluggedModule) -> str:
    return _plain(f"{module.text}, serial number {module.serial}")


def _keep_modem_manager_from(usb_id: str) -> str:
    return f'SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", {_device("ATTR", usb_id)}, ENV{{ID_MM_DEVICE_IGNORE}}="1"'


def _device(attribute: str, usb_id: str) -> str:
    vendor, product = usb_id.split(":")
    return f'{attribute}{{idVendor}}=="{vendor}", {attribute}{{idProduct}}=="{product}"'


def _pattern(socket: str) -> str:
    """The text as a pattern of udev, whose patterns have no escape: whatever is special there becomes "any one character"."""
    return re.sub(r"[^\w:.+@-]", "?", socket, flags=re.ASCII)


def _plain(text: str) -> str:
    """One line of a comment."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
