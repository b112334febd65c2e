"""attach: a serial port of this machine that leads to a module of another one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.logs import log_to_stderr
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.observe.notify import Notifier
from lucid2mqtt.passthrough.attach_remote import ClientTls, Remote, Way, check_host, parse_remote
from lucid2mqtt.passthrough.attach_service import Device, OpenDevice, attach
from lucid2mqtt.passthrough.wire import Session, Wire

_STOPS = ("SIGINT", "SIGTERM", "SIGHUP")
_TLS_OPTIONS = ("cert", "key", "ca", "server_name", "any_server_name")
_FILE_OPTIONS = ("mode", "group", "user")


def add_attach(parser: ArgumentParser) -> None:
    parser.add_argument("remote", type=_remote, metavar="REMOTE", help="tcp://host:port, tls://host:port or unix:///path")
    parser.add_argument("link", type=Path, nargs="?", metavar="LINK", help="where applications find the port, for instance /dev/lio0")
    parser.add_argument("--serial", metavar="PORT", help="join this serial port instead, for instance COM6 of a com0com pair")
    tls = parser.add_argument_group("for tls://")
    tls.add_argument("--cert", type=Path, metavar="FILE", help="our certificate, PEM, with or without the key")
    tls.add_argument("--key", type=Path, metavar="FILE", help="its key, where it is not in the same file")
    tls.add_argument(
        "--ca", type=Path, metavar="FILE", help="authorities that the server's certificate may come from, and what they revoked"
    )
    tls.add_argument("--server-name", type=_host, metavar="NAME", help="the name in the server's certificate (default: the host of REMOTE)")
    tls.add_argument("--any-server-name", action="store_true", help="accept every server with a certificate of --ca, whatever its name")
    rights = parser.add_argument_group("for LINK")
    rights.add_argument("--mode", type=_mode, metavar="OCTAL", help="who may open the port (default: 660 with --group, else 600)")
    rights.add_argument("--group", metavar="NAME", help="group of the port, for instance dialout")
    rights.add_argument("--user", metavar="NAME", help="owner of the port (default: whoever runs this)")
    parser.add_argument("-v", "--verbose", action="store_true", help="log everything")
    parser.set_defaults(run=_attach)


def _attach(arguments: Namespace) -> int:
    fault = _fault(arguments)
    if fault:
        raise RequestRejected(Reason.NOT_UNDERSTOOD, fault, "see lucid2mqtt attach --help")
    log_to_stderr("debug" if arguments.verbose else "info")
    tls = None
    if arguments.remote.way is Way.TLS:
        tls = ClientTls(
            cert=arguments.cert,
            key=arguments.key,
            ca=arguments.ca,
            server_name=arguments.server_name,
            check_name=not arguments.any_server_name,
        )
    opener = _serial_opener(arguments.serial) if arguments.serial else _terminal_opener(arguments)
    notifier = Notifier()
    asyncio.run(_until_stopped(arguments.remote, opener, tls, notifier))
    return Exit.DONE


def _fault(arguments: Namespace) -> str:
    given = [f"--{name.replace('_', '-')}" for name in _TLS_OPTIONS if getattr(arguments, name)]
    if (arguments.link is None) is (arguments.serial is None):
        return "name either a LINK or a --serial port"
    if arguments.serial and any(getattr(arguments, name) is not None for name in _FILE_OPTIONS):
        return "--mode, --group and --user are for a LINK"
    if arguments.remote.way is not Way.TLS and given:
        return f"{given[0]} needs a tls:// address"
    if arguments.any_server_name and not arguments.ca:
        return "--any-server-name needs --ca: else every server of the world would do"
    if arguments.key and not arguments.cert:
        return "--key needs --cert"
    return ""


def _terminal_opener(arguments: Namespace) -> OpenDevice:
    from lucid2mqtt.passthrough.attach_terminal import AttachedTerminal  # noqa: PLC0415  no terminals on Windows
    from lucid2mqtt.passthrough.options import FileRights  # noqa: PLC0415

    mode = arguments.mode or (0o660 if arguments.group else 0o600)
    rights = FileRights(user=arguments.user, group=arguments.group, mode=mode)
    return lambda open_session: AttachedTerminal(arguments.link, rights, open_session)


def _serial_opener(path: str) -> OpenDevice:
    from lucid2mqtt.passthrough.attach_serial import SerialPort  # noqa: PLC0415  pyserial only where it is used

    def open_device(open_session: Callable[[Wire], Session]) -> Device:
        return SerialPort(path, open_session)

    return open_device


async def _until_stopped(remote: Remote, opener: OpenDevice, tls: ClientTls | None, notifier: Notifier) -> None:
    loop = asyncio.get_running_loop()
    work = asyncio.create_task(attach(remote, opener, tls=tls, ready=notifier.ready, status=notifier.status), name="attach")
    for name in _STOPS:
        with contextlib.suppress(AttributeError, NotImplementedError):  # Windows: Ctrl-C ends asyncio.run itself
            loop.add_signal_handler(getattr(signal, name), work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work
    notifier.stopping()


def _remote(text: str) -> Remote:
    try:
        return parse_remote(text)
    except ValueError as fault:
        raise ArgumentTypeError(str(fault)) from None


def _host(text: str) -> str:
    try:
        return check_host(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no name of a host") from None


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = 0
    if not 0 < mode <= 0o777:
        raise ArgumentTypeError(f"{text!r} is no mode: write 660, for instance")
    return mode
