"""Ownership of the files that clients open, and taking a path without destroying somebody else's file."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Callable
from pathlib import Path

from lucid2mqtt.passthrough.options import FileRights


def hand_over(path: str, rights: FileRights) -> None:
    """Gives the file to the user and group of `rights`, with its mode. Raises OSError, also for a name nobody has."""
    user = -1 if rights.user is None else _number(rights.user, lambda name: pwd.getpwnam(name).pw_uid, "user")
    group = -1 if rights.group is None else _number(rights.group, lambda name: grp.getgrnam(name).gr_gid, "group")
    if (user, group) != (-1, -1):
        os.chown(path, user, group)
    if stat.S_IMODE(Path(path).stat().st_mode) != rights.mode:
        Path(path).chmod(rights.mode)


_PSEUDO_TERMINALS = Path("/dev/pts")


def put_link(link: Path, target: str) -> None:
    """Makes `link` lead to `target`, in place of a link to nowhere or to a pseudo terminal; FileExistsError for anything else."""
    if link.exists() and not (link.is_symlink() and link.resolve().is_relative_to(_PSEUDO_TERMINALS)):
        raise FileExistsError(errno.EEXIST, "something that is no link to a pseudo terminal is there already", str(link))
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def drop_link(link: Path, target: str) -> None:
    """Takes `link` away if it still leads to `target`."""
    if link.is_symlink() and str(link.readlink()) == target:
        link.unlink()


def _number(given: str | int, look_up: Callable[[str], int], what: str) -> int:
    if isinstance(given, int):
        return given
    try:
        return look_up(given)
    except KeyError:
        raise OSError(errno.EINVAL, f"there is no {what} {given}") from None
