from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest

from lucid2mqtt.passthrough.files import drop_link, hand_over, put_link
from lucid2mqtt.passthrough.options import FileRights


def test_a_file_is_handed_over_by_names_or_numbers(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    path.touch()
    login = pwd.getpwuid(os.getuid()).pw_name
    hand_over(str(path), FileRights(user=login, group=os.getgid(), mode=0o606))
    assert stat.S_IMODE(path.stat().st_mode) == 0o606
    assert (path.stat().st_uid, path.stat().st_gid) == (os.getuid(), os.getgid())


@pytest.mark.parametrize("rights", [FileRights(user="nobody-at-all"), FileRights(group="nobody-at-all")])
def test_a_name_nobody_has_is_said(rights: FileRights, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nobody-at-all"):
        hand_over(str(tmp_path), rights)


def test_a_link_is_replaced_and_only_ours_is_dropped(tmp_path: Path) -> None:
    link = tmp_path / "lio0"
    put_link(link, "/dev/pts/1")
    put_link(link, "/dev/pts/2")
    assert str(link.readlink()) == "/dev/pts/2"
    drop_link(link, "/dev/pts/1")
    assert link.is_symlink()
    drop_link(link, "/dev/pts/2")
    assert not link.is_symlink()
    drop_link(link, "/dev/pts/2")
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_real_device_is_not_replaced(tmp_path: Path) -> None:
    device, link = tmp_path / "ttyACM0", tmp_path / "lio0"
    device.touch()
    link.symlink_to(device)
    with pytest.raises(FileExistsError):
        put_link(link, "/dev/pts/1")
    assert link.readlink() == device


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        put_link(tmp_path / "missing" / "lio0", "/dev/pts/1")
