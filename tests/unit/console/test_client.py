import asyncio
import socket
import threading
from pathlib import Path

import pytest

from lucid2mqtt.console import client as console_client
from lucid2mqtt.console.client import ConsoleClient
from lucid2mqtt.errors import LinkLost, LucidError, Reason, ReplyTimeout, RequestRejected
from tests.unit.console.test_server import running


@pytest.mark.parametrize("kind", ["nothing", "dead"])
def test_no_agent_is_none(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "c"
    if kind == "dead":
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(str(path))
        dead.close()
    assert ConsoleClient.connect(path) is None


def test_a_path_that_cannot_be_a_socket_is_said() -> None:
    with pytest.raises((LinkLost, OSError)):
        ConsoleClient.connect(Path("/" + "x" * 200))


async def test_asks_are_answered_and_refusals_raised_as_they_happened(tmp_path: Path) -> None:
    def talk() -> tuple[object, LucidError]:
        client = ConsoleClient.connect(tmp_path / "c")
        assert client is not None
        with client:
            said = client.ask("echo", say="grüß")
            with pytest.raises(RequestRejected) as refused:
                client.ask("fly")
        return said, refused.value

    async with running(tmp_path / "c"):
        said, refusal = await asyncio.to_thread(talk)
    assert said == "grüß"
    assert isinstance(refusal, RequestRejected)
    assert refusal.reason is Reason.NOT_UNDERSTOOD


def serve_once(path: Path, answer: bytes | None) -> threading.Thread:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        line, _ = listener.accept()
        line.recv(1000)
        if answer is not None:
            line.sendall(answer)
            line.close()
        else:
            line.recv(1)  # until the client gives up
            line.close()
        listener.close()

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize("answer", [b"", b'{"ok": tr', b"nonsense\n", b"[]\n"])
def test_an_agent_that_dies_or_talks_nonsense_is_a_lost_link(tmp_path: Path, answer: bytes) -> None:
    thread = serve_once(tmp_path / "c", answer)
    client = ConsoleClient.connect(tmp_path / "c")
    assert client is not None
    with client, pytest.raises(LinkLost):
        client.ask("status")
    thread.join()


def test_an_agent_that_hangs_is_a_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_client, "_REPLY_S", 0.02)
    thread = serve_once(tmp_path / "c", None)
    client = ConsoleClient.connect(tmp_path / "c")
    assert client is not None
    with client, pytest.raises(ReplyTimeout):
        client.ask("status")
    thread.join()
