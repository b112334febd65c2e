"""doctor: looks at this machine and says what to do; with --udev, the rules that give its modules names."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.ports import add_port_patterns, found_ports
from lucid2mqtt.cli.printing import Document, complain
from lucid2mqtt.cli.reach import add_console_option
from lucid2mqtt.cli.udev_rules import PluggedModule, rules_text
from lucid2mqtt.errors import LinkLost, LucidError, Reason, RequestRejected
from lucid2mqtt.port.options import LUCIDCONTROL_USB_IDS
from lucid2mqtt.port.usb import usb_ports, usb_sockets


class RulesNotWritten(LucidError):
    """The file is as it was."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


_SUFFIX = ".rules"
_THEN = "sudo udevadm control --reload && sudo udevadm trigger"
_VERIFY_WITHIN_S = 10.0


def add_doctor(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--udev", action="store_true", help="print udev rules that name the modules by serial number, as they are plugged in now"
    )
    parser.add_argument(
        "--write", metavar="FILE", type=Path, help="write the rules there instead, e.g. /etc/udev/rules.d/61-lucid2mqtt.rules"
    )
    add_port_patterns(parser)
    add_console_option(parser)
    parser.set_defaults(run=_doctor)


def _doctor(arguments: Namespace) -> int:
    if not arguments.udev:
        raise RequestRejected(Reason.NOT_UNDERSTOOD, "doctor needs --udev", "lucid2mqtt doctor --udev prints udev rules")
    file: Path | None = arguments.write
    if file is not None and file.suffix != _SUFFIX:
        raise RequestRejected(Reason.NOT_UNDERSTOOD, f"udev does not read {file}", f"its name must end with {_SUFFIX}")
    modules, unnamed = _plugged(asyncio.run(found_ports(arguments)))
    text = rules_text(modules, LUCIDCONTROL_USB_IDS, unnamed)
    if file is None:
        print(text, end="")
        return Exit.DONE
    if not modules:
        raise LinkLost(f"no module on USB answers, so {file} was not touched; lucid2mqtt list shows what is there")
    _write(file, text)
    for line in unnamed:
        complain(f"no name for {line}")
    print(f"{file} names {len(modules)} module{'s' * (len(modules) != 1)}; in force after: {_THEN}")
    return Exit.DONE


def _plugged(ports: Sequence[Document]) -> tuple[list[PluggedModule], list[str]]:
    """The modules in USB sockets, and what else there is, each with the reason why it gets no name."""
    usb, sockets = usb_ports() or {}, usb_sockets()
    modules: list[PluggedModule] = []
    unnamed: list[str] = []
    for port in ports:
        device = os.path.realpath(port["port"])
        if port["module"] is None:
            unnamed.append(f"{port['port']}: {port['detail'] or port['state']}")
        elif device not in usb:
            unnamed.append(f"{port['port']}: not on USB")
        elif device not in sockets:
            unnamed.append(f"{port['port']}: udev made no link to it in /dev/serial/by-path")
        else:
            told = port["module"]
            text = " ".join(filter(None, (told["family"], told["type"]))) or "module of an unknown family"
            modules.append(PluggedModule(serial=told["serial"], text=text, usb_id=usb[device], socket=sockets[device]))
    return sorted(modules, key=lambda module: module.socket), unnamed


def _write(file: Path, text: str) -> None:
    """Puts `text` into `file`, all of it or nothing, and only if udev understands it. Raises RulesNotWritten."""
    try:
        descriptor, fresh = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # no .rules at its end: udev does not look at it
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                os.fchmod(descriptor, 0o644)
                opened.write(text)
                opened.flush()
                os.fsync(descriptor)
            _verify(fresh)
            Path(fresh).replace(file)
        except BaseException:
            Path(fresh).unlink(missing_ok=True)
            raise
    except OSError as fault:
        raise RulesNotWritten(f"{file} cannot be written: {fault.strerror}", "sudo, or another FILE") from fault


def _verify(file: str) -> None:
    """Lets udev read the rules, where it can do that without using them (systemd 254 and newer)."""
    with contextlib.suppress(FileNotFoundError, subprocess.TimeoutExpired):
        said = subprocess.run(["udevadm", "verify", file], capture_output=True, text=True, check=False, timeout=_VERIFY_WITHIN_S)  # noqa: S603, S607  no shell; wherever it is
        if said.returncode != 0 and "Unknown command verb" not in said.stderr:
            raise RulesNotWritten(f"udev does not understand these rules: {said.stderr.strip()}", "please report it")
