"""Where log lines go: standard error, which systemd hands to the journal with the priority that stands in front."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping

_PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
"""sd-daemon(3)."""


class JournalFormatter(logging.Formatter):
    """The journal keeps time and process itself; every line of a message needs the priority."""

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        priority = _PRIORITIES.get(record.levelno, 6)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def log_to_stderr(level: str, environ: Mapping[str, str] = os.environ) -> None:
    """Logs from `level` ("debug", "info", "warning", "error") on, in the journal's form when the journal listens."""
    handler = logging.StreamHandler(sys.stderr)
    if _is_journal(environ.get("JOURNAL_STREAM", "")):
        handler.setFormatter(JournalFormatter())
    else:
        place = "%(name)s: " if level == "debug" else ""  # what the owner reads wants no names of our files
        handler.setFormatter(logging.Formatter(f"%(asctime)s %(levelname)-7s {place}%(message)s", datefmt="%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _is_journal(stream: str) -> bool:
    """True when standard error is the very stream systemd made ($JOURNAL_STREAM, systemd.exec(5)); a redirected one is not."""
    try:
        error = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return stream == f"{error.st_dev}:{error.st_ino}"
