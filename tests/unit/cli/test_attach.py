import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest

from lucid2mqtt.cli.main import main
from tests.broker import free_port
from tests.unit.cli.test_main import COMMAND, ENVIRON


class Started:
    """`lucid2mqtt attach` as a service: entered when it says that it is ready."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ear = folder / "notify"
        ear.unlink(missing_ok=True)
        self._systemd.bind(str(ear))
        self._systemd.settimeout(20)
        environ = ENVIRON | {"NOTIFY_SOCKET": str(ear)}
        self.process = subprocess.Popen([*COMMAND, "attach", *words], stderr=subprocess.PIPE, text=True, env=environ)

    def __enter__(self) -> Self:
        assert self.hear() == "READY=1"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self._systemd.close()

    def hear(self) -> str:
        """The next thing systemd is told."""
        return self._systemd.recv(1000).decode()

    def end(self, how: signal.Signals) -> str:
        """What it had to say."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=10)[1]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_link_is_there_when_systemd_hears_of_it_and_gone_at_the_end(tmp_path: Path, how: signal.Signals) -> None:
    link = tmp_path / "lio0"
    with Started(tmp_path, f"tcp://127.0.0.1:{free_port()}", str(link)) as attach:
        assert link.is_symlink()
        assert link.is_char_device()
        assert link.stat().st_mode & 0o777 == 0o600
        assert attach.hear().startswith("STATUS=no connection to tcp://")
        said = attach.end(how)
        assert attach.process.returncode == 0
        assert not os.path.lexists(link)
        assert "nobody listens there; dialling again, the device stays" in said
        heard = attach.hear()
        while heard.startswith("STATUS"):
            heard = attach.hear()
        assert heard == "STOPPING=1"


def test_a_killed_one_leaves_a_link_that_the_next_takes_over(tmp_path: Path) -> None:
    link = tmp_path / "lio0"
    for end in (signal.SIGKILL, signal.SIGTERM):
        with Started(tmp_path, f"tcp://127.0.0.1:{free_port()}", str(link), "--mode", "666") as attach:
            assert link.stat().st_mode & 0o777 == 0o666
            attach.end(end)
            assert link.is_symlink() is (end is signal.SIGKILL)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("tcp://127.0.0.1:1",), "either a LINK or a --serial port"),
        (("tcp://127.0.0.1:1", "lio0", "--serial", "COM6"), "either a LINK or a --serial port"),
        (("tcp://127.0.0.1:1", "--serial", "COM6", "--group", "dialout"), "are for a LINK"),
        (("tcp://127.0.0.1:1", "lio0", "--server-name", "x"), "--server-name needs a tls:// address"),
        (("tls://127.0.0.1:1", "lio0", "--any-server-name"), "needs --ca"),
        (("tls://127.0.0.1:1", "lio0", "--server-name", "a..b"), "no name of a host"),
        (("tls://127.0.0.1:1", "lio0", "--key", "x"), "--key needs --cert"),
        (("http://127.0.0.1", "lio0"), "write tcp://host:4001"),
        (("tcp://127.0.0.1:1", "lio0", "--mode", "rw"), "write 660"),
        (("tcp://127.0.0.1:1", "lio0", "--mode", "0"), "write 660"),
        ((), "REMOTE"),
    ],
)
def test_what_cannot_be_meant_is_a_matter_of_usage(words: tuple[str, ...], fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", *words]) == 2
    assert fault in capsys.readouterr().err


def test_a_port_that_cannot_be_had_is_a_matter_of_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["attach", "tcp://127.0.0.1:1", str(tmp_path / "file")]) == 3
    assert "choose another name" in capsys.readouterr().err
    assert main(["attach", "tcp://127.0.0.1:1", "--serial", str(tmp_path / "none")]) == 3
    assert "check the name of the port" in capsys.readouterr().err
    assert main(["attach", "tls://127.0.0.1:1", str(tmp_path / "lio0"), "--ca", str(tmp_path / "file")]) == 3
    assert "cannot be used as --ca" in capsys.readouterr().err


def test_the_way_without_terminals_needs_nothing_that_windows_lacks() -> None:
    """Everything but pyserial itself, which has a Windows half of its own."""
    program = """
import asyncio, logging, ssl, sys
for name in ("termios", "fcntl", "tty", "pty", "pwd", "grp", "resource"):
    sys.modules[name] = None
sys.modules["serial"] = type(sys)("serial")
sys.modules["serial"].Serial = object
from lucid2mqtt.cli.main import main
import lucid2mqtt.cli.attach
import lucid2mqtt.passthrough.attach_serial
raise SystemExit(main(["attach", "--help"]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=ENVIRON, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
