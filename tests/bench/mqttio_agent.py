"""Starts mqtt-io with two modules of ours for the same measuring modules; runs in mqtt-io's environment, changes nothing there.

One locked pyserial line per device, one GetIo per value: what a mqtt-io module for such hardware looks like.
"""

from __future__ import annotations

import struct
import sys
import threading
from functools import cache
from typing import Any  # everything here belongs to mqtt-io

import serial
from mqtt_io.__main__ import main  # type: ignore[import-not-found]
from mqtt_io.modules.gpio import GenericGPIO  # type: ignore[import-not-found]
from mqtt_io.modules.sensor import GenericSensor  # type: ignore[import-not-found]

REQUIREMENTS = ()
CONFIG_SCHEMA = {"device": {"type": "string", "required": True}}
MICROVOLTS = struct.Struct("<i")


class Line:
    """One transaction at a time, however many threads ask."""

    def __init__(self, path: str) -> None:
        self._serial = serial.Serial(path, timeout=1.0)
        self._lock = threading.Lock()

    def ask(self, *request: int) -> bytes:
        with self._lock:
            self._serial.write(bytes(request))
            status, length = self._serial.read(2)
            data: bytes = self._serial.read(length)
        if status:
            raise OSError(f"the module answers with status {status:#04x}")
        return data


line = cache(Line)


class Sensor(GenericSensor):  # type: ignore[misc]
    SENSOR_SCHEMA = {"channel": {"type": "integer", "required": True}}  # noqa: RUF012  mqtt-io's own way

    def setup_module(self) -> None:
        self._line = line(self.config["device"])

    def get_value(self, sens_conf: Any) -> float:
        volts: float = MICROVOLTS.unpack(self._line.ask(0x46, sens_conf["channel"], 0x1D, 0))[0] / 1e6
        return volts


class GPIO(GenericGPIO):  # type: ignore[misc]
    def setup_module(self) -> None:
        self._line = line(self.config["device"])

    def setup_pin(self, pin: Any, direction: Any, pullup: Any, pin_config: Any, initial: Any = None) -> None:
        pass

    def set_pin(self, pin: Any, value: Any) -> None:
        self._line.ask(0x40, pin, 0x00, 1, int(value))

    def get_pin(self, pin: Any) -> bool:
        return bool(self._line.ask(0x46, pin, 0x00, 0)[0])


if __name__ == "__main__":
    for kind in ("sensor", "gpio"):
        sys.modules[f"mqtt_io.modules.{kind}.lucid_bench"] = sys.modules[__name__]
    main()
