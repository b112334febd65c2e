"""How the agent is put together and how it falls."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from lucid2mqtt import app
from lucid2mqtt.errors import LinkBusy
from lucid2mqtt.mqtt.options import Protocol, TlsFiles
from lucid2mqtt.settings import load
from tests.broker import free_port


def _settings(folder: Path, **more: Any) -> Any:  # Any: JSON in, settings out
    given = {
        "state_dir": str(folder / "state"),
        "console.path": str(folder / "console.sock"),
        "mqtt.url": f"mqtt://127.0.0.1:{free_port()}",
        "ports": [f"{folder}/nothing-*"],
    } | more
    return load(None, {}, overrides={key: (value, "test") for key, value in given.items()})


async def test_a_signal_ends_it_in_order_with_code_0_even_without_broker_and_modules(tmp_path: Path) -> None:
    asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGTERM)
    assert await app.run(_settings(tmp_path)) == 0
    assert not (tmp_path / "console.sock").exists()


async def test_a_bug_in_a_callback_ends_the_agent_and_comes_out(tmp_path: Path) -> None:
    def planted() -> None:
        raise ZeroDivisionError("planted")

    asyncio.get_running_loop().call_later(0.2, planted)
    with pytest.raises(ZeroDivisionError, match="planted"):
        await app.run(_settings(tmp_path))


async def test_a_second_agent_ends_before_it_touches_a_port(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    first = app.Agent(settings)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(first.run(ready=ready.set))
        await ready.wait()
        with pytest.raises(LinkBusy, match="another agent runs already"):
            await app.Agent(settings).run()
        first.stop()


def test_the_settings_reach_the_rooms(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text("")
    more: dict[str, Any] = {
        "mqtt.url": "mqtts://broker.lan",
        "mqtt.username": "lucid",
        "mqtt.password": "secret",
        "mqtt.protocol": "3.1.1",
        "node": "az-2",
    }  # Any: JSON
    more |= {"mqtt.tls": {name: str(tmp_path / name) for name in ("ca", "cert", "key")}}
    settings = _settings(tmp_path, **more, usb_ids=["1234:5678"], scan_s=2.5)
    mqtt = app.mqtt_options(settings)
    assert (mqtt.client_id, mqtt.username, mqtt.password, mqtt.protocol) == ("lucid2mqtt-az-2", "lucid", "secret", Protocol.V311)
    assert mqtt.tls == TlsFiles(ca=tmp_path / "ca", cert=tmp_path / "cert", key=tmp_path / "key")
    ports = app.port_options(settings)
    assert (ports.usb_ids, ports.scan_s) == (("1234:5678",), 2.5)


async def test_systemd_hears_when_a_reload_begins_and_when_it_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        settings = _settings(tmp_path)
        agent = app.Agent(settings)
        ready = asyncio.Event()
        loop = asyncio.get_running_loop()

        async def said(wanted: bytes) -> None:
            while not (await loop.sock_recv(manager, 4096)).startswith(wanted):
                pass

        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            tasks.create_task(agent.run(ready=ready.set))
            await ready.wait()
            await said(b"READY=1")
            agent.reload(settings)
            await said(b"RELOADING=1")
            await said(b"READY=1")
            agent.stop()
            await said(b"STOPPING=1")
