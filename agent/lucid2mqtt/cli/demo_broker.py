"""A broker for the demonstration: the one that is there, else mosquitto, else a toy inside this process."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from lucid2mqtt.errors import LucidError

USUAL_PORT = 1883
_START_S = 10.0


class NoBroker(LucidError):
    """No broker is there and none can be started; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the demonstration's broker listens. `is_ours` is False for one that was running before."""

    port: int
    note: str
    is_ours: bool
    is_toy: bool = False

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"


def find_mosquitto() -> str | None:
    """Where mosquitto is installed; Debian puts it where only root looks."""
    return shutil.which("mosquitto", path=os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin")


@asynccontextmanager
async def demo_broker(port: int = USUAL_PORT, *, find: Callable[[], str | None] = find_mosquitto) -> AsyncIterator[Broker]:
    """A broker on loopback for the time of the context: the one at `port` if it lets us in, else one of our own.

    Raises NoBroker.
    """
    if await asyncio.to_thread(_answers, port):
        yield Broker(port, "it was running already", is_ours=False)
        return
    port = _free_port(port)
    program = find()
    start = _mosquitto(program, port) if program else _toy(port)
    async with start as broker:
        yield broker


@asynccontextmanager
async def _mosquitto(program: str, port: int) -> AsyncIterator[Broker]:
    with tempfile.TemporaryDirectory(prefix="lucid2mqtt-broker-") as folder:
        conf = _write_conf(Path(folder), port)
        process = await asyncio.create_subprocess_exec(
            program,
            "-c",
            str(conf),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: the agent still has to say good-bye to its broker
        )
        try:
            await _wait_until_it_answers(port, process)
            yield Broker(port, "mosquitto, started for this demonstration", is_ours=True)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _write_conf(folder: Path, port: int) -> Path:
    # run by root it would drop to a user who cannot read the folder
    user = "user root\n" if os.geteuid() == 0 else ""
    conf = folder / "mosquitto.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n{user}")
    return conf


@asynccontextmanager
async def _toy(port: int) -> AsyncIterator[Broker]:
    try:
        from amqtt.broker import Broker as ToyBroker  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as missing:
        raise NoBroker("The demonstration needs a broker; type: sudo apt install mosquitto") from missing
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    broker = ToyBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    try:
        note = "a toy broker inside this program (MQTT 3.1.1 only); for real use: sudo apt install mosquitto"
        yield Broker(port, note, is_ours=True, is_toy=True)
    finally:
        await broker.shutdown()


def _answers(port: int) -> bool:
    """True when an MQTT broker on loopback lets anybody in."""
    accepted: list[bool] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.on_connect = lambda _client, _data, _flags, code, _properties: accepted.append(not code.is_failure)
    try:
        client.connect("127.0.0.1", port, keepalive=10)
    except OSError:
        return False
    deadline = time.monotonic() + 2
    while not accepted and time.monotonic() < deadline:
        if client.loop(0.05) != paho.MQTT_ERR_SUCCESS:
            break
    client.disconnect()
    client.loop(0.05)
    return accepted == [True]


async def _wait_until_it_answers(port: int, process: asyncio.subprocess.Process) -> None:
    deadline = time.monotonic() + _START_S
    while not await asyncio.to_thread(_answers, port):
        if process.returncode is not None or time.monotonic() > deadline:
            raise NoBroker(f"mosquitto did not start on port {port}; try it by hand: mosquitto -v")
        await asyncio.sleep(0.02)


def _free_port(wanted: int) -> int:
    """`wanted` when nobody has it, so that the printed lines stay short; else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise NoBroker("No free port on loopback")
