import asyncio
import fcntl
import os
import stat
import struct
import tempfile
import termios
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lucid2mqtt.errors import LinkBusy, LinkLost
from lucid2mqtt.passthrough.attach_line import Line
from lucid2mqtt.passthrough.attach_terminal import AttachedTerminal
from lucid2mqtt.passthrough.options import FileRights


def attached(link: Path, rights: FileRights | None = None) -> closing[AttachedTerminal]:
    line = Line(lambda: 0.0, renew=lambda: None, dropping=lambda: None)
    return closing(AttachedTerminal(link, rights or FileRights(mode=0o600), line.open_session))


@contextmanager
def some_terminal() -> Iterator[str]:
    ours, device = os.openpty()
    try:
        yield os.ttyname(device)
    finally:
        os.close(ours)
        os.close(device)


async def test_the_link_is_there_while_it_lasts(tmp_path: Path) -> None:
    link = tmp_path / "lio0"
    with attached(link, FileRights(mode=0o640)):
        device = link.stat()
        assert stat.S_ISCHR(device.st_mode)
        assert stat.S_IMODE(device.st_mode) == 0o640
    assert not link.is_symlink()


async def test_a_link_to_nowhere_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "lio0"
    link.symlink_to("/dev/pts/99999")
    with attached(link):
        assert link.exists()


async def test_a_link_that_a_killed_predecessor_left_to_what_is_another_s_terminal_now_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "lio0"
    with some_terminal() as another:
        link.symlink_to(another)
        with attached(link):
            assert str(link.readlink()) != another
            assert link.is_char_device()


@pytest.mark.parametrize("what", ["file", "folder", "device", "link to a file", "link to a device"])
async def test_nothing_else_is_ever_replaced(tmp_path: Path, what: str) -> None:
    link = tmp_path / "lio0"
    match what:
        case "file":
            link.write_text("precious")
        case "folder":
            link.mkdir()
        case "device":
            link = Path("/dev/null")
        case "link to a file":
            (tmp_path / "file").touch()
            link.symlink_to(tmp_path / "file")
        case "link to a device":
            link.symlink_to("/dev/null")
    before = link.lstat()
    with pytest.raises(LinkBusy, match="choose another name"):
        attached(link)
    assert link.lstat() == before


async def test_two_do_not_take_the_place_from_each_other(tmp_path: Path) -> None:
    (tmp_path / "same").symlink_to(tmp_path)
    with attached(tmp_path / "lio0"):
        before = (tmp_path / "lio0").readlink()
        for name in ("lio0", "same/lio0"):
            with pytest.raises(LinkBusy, match="another lucid2mqtt attach"):
                attached(tmp_path / name)
        assert (tmp_path / "lio0").readlink() == before
    with attached(tmp_path / "lio0"):
        pass


async def test_a_refused_place_can_be_taken_later(tmp_path: Path) -> None:
    link = tmp_path / "sub" / "lio0"
    with pytest.raises(LinkLost, match="sub is not there"):
        attached(link)
    link.parent.mkdir()
    with pytest.raises(LinkLost, match="there is no group nobody-has-this"):
        attached(link, FileRights(group="nobody-has-this"))
    with attached(link):
        assert link.exists()


async def test_a_link_that_became_somebody_else_s_stays(tmp_path: Path) -> None:
    link = tmp_path / "lio0"
    with attached(link):
        link.unlink()
        link.write_text("precious")
    assert link.read_text() == "precious"


TIOCGEXCL = 0x80045440
"""Asks whether TIOCEXCL is set (asm-generic/ioctls.h); Python has no name for it."""


@pytest.fixture(params=["as we are", "without rights"])
def open_folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder; root is nobody for the second time, because marks of exclusive use mean nothing to root."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        is_dropped = request.param == "without rights" and os.geteuid() == 0
        if is_dropped:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if is_dropped:
                os.seteuid(0)


async def test_a_program_that_died_with_a_mark_of_exclusive_use_locks_nobody_out(open_folder: Path) -> None:
    link = open_folder / "lio0"
    with attached(link):
        for _ in range(3):
            device = os.open(link, os.O_RDWR | os.O_NOCTTY)
            fcntl.ioctl(device, termios.TIOCEXCL)
            os.write(device, b"x")
            await asyncio.sleep(0.01)
            os.close(device)
            await asyncio.sleep(0.01)
            device = os.open(link, os.O_RDWR | os.O_NOCTTY)
            (is_exclusive,) = struct.unpack("i", fcntl.ioctl(device, TIOCGEXCL, bytes(4)))
            os.close(device)
            assert not is_exclusive
    assert not link.is_symlink()
