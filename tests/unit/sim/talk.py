"""A client for virtual modules made of the agent's own frames and readers, on a clock of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lucid2mqtt.lucid.frames import Reply, Request, get_io, get_parameter, set_io, set_parameter
from lucid2mqtt.lucid.readers import ReplyReader
from lucid2mqtt.lucid.values import ValueType, decode, encode
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import Quirks

PROMPT = Quirks(reply_delay_s=0.0, persistent_delay_s=0.0, calibration_delay_s=0.0)
"""The harder answers to everything, without any waiting."""


def prompt_module(
    family: str, *, serial: int = 7, type_code: int | None = None, commissioned: bool = True, **quirks: Any
) -> VirtualModule:  # Any: quirks differ in type and are checked when they are made
    """A module that answers at once, commissioned unless said otherwise, with other quirks by name."""
    return VirtualModule(family, serial=serial, type_code=type_code, commissioned=commissioned, quirks=replace(PROMPT, **quirks))


def ask(module: VirtualModule, request: Request, now: float) -> Reply:
    """One request to a module without reply delay; exactly one reply comes back."""
    module.receive(request.encode(), now)
    (reply,) = ReplyReader().feed(module.replies_due(now))
    return reply


def read(module: VirtualModule, channel: int, value_type: ValueType, now: float) -> bool | int | float:
    request = get_io(channel, value_type)
    return decode(value_type, ask(module, request, now).data_or_refusal(request))


def write(module: VirtualModule, channel: int, value: float, now: float, value_type: ValueType = ValueType.DI1) -> int:
    """Status of a SetIo."""
    return ask(module, set_io(channel, value_type, encode(value_type, value)), now).status


def put(module: VirtualModule, channel: int, address: int, number: int, width: int, now: float, *, persistent: bool = False) -> int:
    """Status of a SetParam."""
    data = number.to_bytes(width, "little", signed=number < 0)
    return ask(module, set_parameter(channel, address, data, persistent=persistent), now).status


def peek(module: VirtualModule, channel: int, address: int, now: float) -> int:
    """Number in a GetParam reply, taken as unsigned."""
    request = get_parameter(channel, address)
    return int.from_bytes(ask(module, request, now).data_or_refusal(request), "little")
