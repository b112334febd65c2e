"""What the demonstration shows: the values as any MQTT client sees them, and the agent's own lines below."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import shutil
import textwrap
import threading
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TextIO

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

REFRESH_S = 0.3
NOTE_LINES = 6
_CLOCK = len("00:00:00 ")
_UP = "\x1b[{}A\x1b[J"
_LAST_WORDS_S = 2.0


class View:
    """Values and notes; a table that is redrawn on a terminal, a line for each change elsewhere."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._values: dict[str, str] = {}
        self._notes: deque[str] = deque(maxlen=NOTE_LINES)
        self._drawn = 0
        self._is_stale = False
        self._has_ended = False

    def tell(self, topic: str, value: str) -> None:
        """`topic` below the node says `value`."""
        self._values[topic] = value
        self._is_stale = True
        if not self._is_terminal:
            self._print(f"{topic} {value}")

    def note(self, line: str) -> None:
        """One line from the agent."""
        self._notes.append(line)
        self._is_stale = True
        if not self._is_terminal:
            self._print(f"# {line}")

    def log_handler(self) -> logging.Handler:
        """Brings log lines here."""
        handler = _Notes(self)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
        return handler

    async def refresh(self) -> None:
        """Redraws the table when something changed, until cancelled."""
        while self._is_terminal:
            if self._is_stale:
                self._draw()
            await asyncio.sleep(REFRESH_S)

    def end(self) -> None:
        """Draws for the last time; what comes later is no news."""
        if self._is_terminal:
            self._draw()
        self._has_ended = True

    def _draw(self) -> None:
        self._is_stale = False
        columns, rows = shutil.get_terminal_size()
        lines = self._lines(columns - 1, rows - 1)
        up = _UP.format(self._drawn) if self._drawn else ""
        self._drawn = len(lines)
        self._out.write(up + "".join(f"{line}\n" for line in lines))
        self._out.flush()

    def _lines(self, columns: int, rows: int) -> list[str]:
        """Values, then the latest notes. Never more than `rows`: the cursor cannot go up beyond the top of the screen to redraw them."""
        width = max(map(len, self._values), default=0)
        values = [f"  {topic:<{width}}  {value}"[:columns] for topic, value in sorted(self._values.items())]
        notes: list[str] = []
        for note in reversed(self._notes):
            wrapped = textwrap.wrap(note, columns, subsequent_indent=" " * _CLOCK)
            if len(notes) + len(wrapped) > min(NOTE_LINES, rows - len(values) - 1):
                break
            notes = wrapped + notes
        if len(values) > rows:
            left_out = len(values) - rows + 1
            values[rows - 1 :] = [f"  ... and {left_out} more in a higher window"]
        return [*values, "", *notes] if notes else values

    def _print(self, line: str) -> None:
        if not self._has_ended:
            self._out.write(f"{line}\n")
            self._out.flush()


def thermostat_line(state: Mapping[str, Any]) -> str:  # Any: JSON
    """What a thermostat does, short enough for a narrow terminal: what is wrong, or what an autotune is at, comes first."""
    is_at = "-" if state["current"] is None else f"{state['current']:.1f}"
    goal = "-" if state["setpoint"] is None else f"{state['setpoint']:.1f}"
    flow = "on" if state["action"] in ("heating", "cooling") else "off"
    words = f"{state['mode']} {is_at} -> {goal} °C {state['duty']:.0f}% {flow}"
    tuning = state["autotune"]
    if state["alarms"]:
        return f"{words}; ALARM {state['alarms'][0]['name']}"
    if tuning is not None and tuning["phase"] not in ("done", "failed"):
        left = "" if tuning["remaining_s"] is None else f" {math.ceil(tuning['remaining_s'] / 60)} min"
        return f"{words}; tuning {tuning['phase']}{left}"
    if state["window"] != "closed":
        return f"{words}; window {state['window']}"
    return words if state["preset"] == "none" else f"{words}; {state['preset']}"


class _Notes(logging.Handler):
    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        self._view.note(self.format(record))


class Audience:
    """An MQTT client of its own, so that what is shown went all the way."""

    def __init__(self, port: int, root: str, view: View) -> None:
        self._loop = asyncio.get_running_loop()
        self._root = root
        self._view = view
        # a toy broker knows no other version
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._message_came
        self._port = port

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, *_: object) -> None:
        self._client.subscribe(f"{self._root}/#")

    def _message_came(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self._loop.call_soon_threadsafe(self._hear, message.topic, bytes(message.payload))

    def _hear(self, topic: str, payload: bytes) -> None:
        level = topic.rpartition("/")[2]
        channel = topic.removeprefix(f"{self._root}/").removesuffix(f"/{level}")
        if level == "state" and payload.startswith(b"{"):
            self._view.tell(channel, thermostat_line(json.loads(payload)))
        elif level == "state" and payload:
            self._view.tell(channel, payload.decode())
        elif level == "attributes" and payload and (quality := json.loads(payload)["quality"]) != "good":
            self._view.tell(channel, f"unavailable: {quality}")


def clean_up(port: int, root: str) -> None:
    """Takes everything below `root`, and what was announced of it, off a broker that is not ours. Blocks for seconds at most."""
    node_device = f"lucid2mqtt_{root.rpartition('/')[2]}".encode()
    end = f"{root}/demo-has-ended"
    kept: set[str] = set()
    is_done = threading.Event()

    def hear(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic == end:
            is_done.set()  # what the broker kept came before
        elif message.retain and (message.topic.startswith(f"{root}/") or node_device in message.payload):
            kept.add(message.topic)

    def subscribe(client: paho.Client, *_: object) -> None:
        client.subscribe([(f"{root}/#", 1), ("homeassistant/device/+/config", 1)])

    def say_the_end(client: paho.Client, *_: object) -> None:
        client.publish(end, b"", qos=1)

    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.on_message = hear
    client.on_connect = subscribe
    client.on_subscribe = say_the_end
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        is_done.wait(_LAST_WORDS_S)
        last = [client.publish(topic, b"", qos=1, retain=True) for topic in sorted(kept)]
        for message in last:
            message.wait_for_publish(_LAST_WORDS_S)
    finally:
        client.disconnect()
        client.loop_stop()
