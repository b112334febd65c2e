"""What this machine suggests where the user says nothing: its name, where state lives, where the console listens."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from lucid2mqtt.domain.names import slug

_APP = "lucid2mqtt"


def host_slug() -> str:
    """The host name without its domain, as a slug."""
    try:
        return slug(socket.gethostname().split(".")[0])
    except ValueError:  # a host name in letters that have no ASCII form
        return "node"


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder systemd made (StateDirectory); without it /var/lib for root and the XDG state folder for everybody else."""
    if given := environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])  # systemd lists several with colons
    if os.geteuid() == 0:
        return Path("/var/lib") / _APP
    return Path(environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", "/")) / ".local/state") / _APP


def console_path(environ: Mapping[str, str] = os.environ) -> Path:
    """A socket in systemd's RuntimeDirectory, else /run for root, else the session's runtime folder, else beside the state."""
    if given := environ.get("RUNTIME_DIRECTORY"):
        return Path(given.split(":")[0]) / "console.sock"
    if os.geteuid() == 0:
        return Path("/run") / _APP / "console.sock"
    session = environ.get("XDG_RUNTIME_DIR")
    return (Path(session) / _APP if session else state_dir(environ)) / "console.sock"
