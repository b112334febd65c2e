"""run: the agent itself."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import faulthandler
import gc
import logging
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from lucid2mqtt.cli.logs import log_to_stderr
from lucid2mqtt.settings import Settings, load

_log = logging.getLogger(__name__)


def add_run(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="settings file (default: every module on USB, broker on localhost)"
    )
    parser.add_argument(
        "--port", action="append", metavar="PORT", help="look for modules here instead of where the settings say; may be given again"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log everything")
    parser.set_defaults(run=_run)


def settings_for(arguments: Namespace) -> Settings:
    """The settings of this command line. Raises SettingsError."""
    overrides: dict[str, tuple[object, str]] = {}
    if arguments.port:
        overrides["ports"] = (arguments.port, "--port")
    if arguments.verbose:
        overrides["log.level"] = ("debug", "--verbose")
    return load(arguments.config, overrides=overrides)


def _run(arguments: Namespace) -> int:
    with _unswept():
        settings = settings_for(arguments)
        log_to_stderr(settings.log.level)
        for warning in settings.warnings:
            _log.warning("%s", warning)
        from lucid2mqtt.app import run  # noqa: PLC0415  all rooms of the agent: not before the settings are known to be right
        from lucid2mqtt.passthrough.quick_loop import quick_loop  # noqa: PLC0415
    _give_back_memory()
    with contextlib.suppress(OSError):  # no standard error
        faulthandler.enable()  # when systemd's watchdog ends a hung agent, the journal shows where it hung
    # in a terminal HUP means that it was closed; a service has none, and is told to read its settings again
    read_again = None if sys.stdin.isatty() else partial(settings_for, arguments)
    with asyncio.Runner(loop_factory=quick_loop) as runner:
        return runner.run(run(settings, read_again=read_again))


@contextlib.contextmanager
def _unswept() -> Iterator[None]:
    """What is loaded within stays for good: the garbage collector rests meanwhile and never looks at it again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _give_back_memory() -> None:
    """Returns to the system what only the start needed, 2.5 MB (measured). Only glibc has a word for it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
