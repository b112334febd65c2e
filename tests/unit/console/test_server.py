import asyncio
import contextlib
import json
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from lucid2mqtt.console import server as console_server
from lucid2mqtt.console.server import ConsoleServer, Verb
from lucid2mqtt.console.wire import MAX_LINE_BYTES
from lucid2mqtt.errors import DeviceRefused, LinkBusy, LinkLost


async def echo(request: Mapping[str, object]) -> object:
    return request.get("say")


async def refuse(request: Mapping[str, object]) -> object:
    raise DeviceRefused(0xB8, "no such channel")


async def hang(request: Mapping[str, object]) -> object:
    await asyncio.Event().wait()
    return None


VERBS: dict[str, Verb] = {"echo": echo, "refuse": refuse, "hang": hang}


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[asyncio.Task[None]]:
    ready = asyncio.Event()
    task = asyncio.create_task(ConsoleServer(path, VERBS).run(ready=ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def exchange(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    reader, writer = await asyncio.open_unix_connection(path)
    replies = []
    for line in lines:
        writer.write(line)
        replies.append(json.loads(await reader.readline()))
    writer.close()
    return replies


async def test_one_reply_for_each_request_on_one_connection(tmp_path: Path) -> None:
    async with running(tmp_path / "c"):
        first, second = await exchange(tmp_path / "c", b'{"verb":"echo","say":"hi"}\n', b'{"verb":"echo","say":[1]}\n')
    assert first == {"ok": True, "result": "hi"}
    assert second == {"ok": True, "result": [1]}


async def test_the_socket_is_for_owner_and_group_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "console.sock"
    async with running(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert not path.exists()


async def test_refusals_carry_their_kind(tmp_path: Path) -> None:
    async with running(tmp_path / "c"):
        refused, unknown, garbled, no_verb = await exchange(
            tmp_path / "c", b'{"verb":"refuse"}\n', b'{"verb":"fly"}\n', b"hello\n", b'{"verb":[]}\n'
        )
    assert refused == {"ok": False, "error": {"kind": "refused", "message": "no such channel", "status": 0xB8}}
    assert unknown["error"]["reason"] == "not_understood"
    assert "echo, refuse, hang" in unknown["error"]["remedy"]
    assert garbled["error"]["reason"] == "not_understood"
    assert no_verb["error"]["reason"] == "not_understood"


async def test_a_line_without_end_is_refused_and_the_client_dropped(tmp_path: Path) -> None:
    async with running(tmp_path / "c"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "c")
        writer.write(b"x" * (MAX_LINE_BYTES + 2))
        assert json.loads(await reader.readline())["error"]["reason"] == "too_long"
        with contextlib.suppress(ConnectionError):  # the rest of the line was never taken
            assert await reader.read() == b""
        writer.close()
        assert (await exchange(tmp_path / "c", b'{"verb":"echo","say":1}\n'))[0]["ok"]


async def test_a_request_that_hangs_is_answered_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_server, "_REQUEST_S", 0.01)
    async with running(tmp_path / "c"):
        hung, fine = await exchange(tmp_path / "c", b'{"verb":"hang"}\n', b'{"verb":"echo","say":1}\n')
    assert hung["error"]["reason"] == "no_answer"
    assert fine["ok"]


async def test_a_silent_client_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_server, "_IDLE_S", 0.01)
    async with running(tmp_path / "c"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "c")
        assert await reader.read() == b""
        writer.close()


async def test_one_client_too_many_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_server, "_MAX_CLIENTS", 2)
    async with running(tmp_path / "c"):
        held = [await asyncio.open_unix_connection(tmp_path / "c") for _ in range(2)]
        for reader, writer in held:
            writer.write(b'{"verb":"echo","say":1}\n')
            await reader.readline()
        reader, writer = await asyncio.open_unix_connection(tmp_path / "c")
        assert json.loads(await reader.readline())["error"]["reason"] == "busy"
        writer.close()
        for _, writer in held:
            writer.close()


async def test_a_client_that_leaves_in_the_middle_disturbs_nobody(tmp_path: Path) -> None:
    async with running(tmp_path / "c") as task:
        _, writer = await asyncio.open_unix_connection(tmp_path / "c")
        writer.write(b'{"verb":"echo"')
        writer.close()
        assert (await exchange(tmp_path / "c", b'{"verb":"echo","say":1}\n'))[0]["ok"]
        assert not task.done()


async def test_the_end_waits_for_no_client_and_drops_them_all(tmp_path: Path) -> None:
    async with running(tmp_path / "c") as task:
        idle_reader, idle = await asyncio.open_unix_connection(tmp_path / "c")
        hanging_reader, hanging = await asyncio.open_unix_connection(tmp_path / "c")
        hanging.write(b'{"verb":"hang"}\n')
        idle.write(b'{"verb":"echo","say":1}\n')
        await idle_reader.readline()
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=1)
        assert done
        for reader in (idle_reader, hanging_reader):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        idle.close()
        hanging.close()


async def test_the_socket_of_a_dead_agent_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "c"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    async with running(path):
        assert (await exchange(path, b'{"verb":"echo","say":1}\n'))[0]["ok"]


async def test_a_living_agent_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c"
    async with running(path):
        with pytest.raises(LinkBusy, match="another agent runs already"):
            await ConsoleServer(path, VERBS).run()
        assert (await exchange(path, b'{"verb":"echo","say":1}\n'))[0]["ok"]


async def test_an_agent_too_busy_to_accept_counts_as_living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_server, "_KNOCK_S", 0.01)
    path = tmp_path / "c"
    stuck = socket.socket(socket.AF_UNIX)
    stuck.bind(str(path))
    stuck.listen(0)
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for client in waiting:
        client.setblocking(False)
        client.connect_ex(str(path))
    with pytest.raises(LinkBusy, match="does not answer"):
        await ConsoleServer(path, VERBS).run()
    for line in (*waiting, stuck):
        line.close()


async def test_a_file_of_another_kind_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_text("mine")
    with pytest.raises(LinkLost, match="another kind"):
        await ConsoleServer(path, VERBS).run()
    assert path.read_text() == "mine"


async def test_a_place_that_cannot_be_written_is_said_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LinkLost, match=r"console\.path"):
        await ConsoleServer(tmp_path / "file" / "c", VERBS).run()


async def test_a_socket_that_somebody_else_put_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "c"
    async with running(path):
        path.unlink()
        path.write_text("theirs")
    assert path.read_text() == "theirs"
