"""A virtual module: bytes in, bytes out, time is a parameter.

The clock is whoever drives the module: seconds, never falling. `receive` takes what came off the wire, `replies_due` gives
what is to be sent by now, `next_event` says when to ask again. With a reply delay of 0 the answer is there at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.lucid.families import FAMILIES, ChannelBlock, module_type
from lucid2mqtt.lucid.frames import Reply
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.sim.analog import AnalogInput, AnalogOutput, Span
from lucid2mqtt.sim.channel import Channel, InputChannel, OutputChannel, Signal
from lucid2mqtt.sim.commands import CommandSet
from lucid2mqtt.sim.digital_input import DigitalInput
from lucid2mqtt.sim.digital_output import DigitalOutput
from lucid2mqtt.sim.faults import FaultyLine, Healthy, ModuleFault, StuckSensor
from lucid2mqtt.sim.journal import Journal, Kind, Note
from lucid2mqtt.sim.memory import MODE, Memory
from lucid2mqtt.sim.quirks import Quirks
from lucid2mqtt.sim.scan import SequentialScan
from lucid2mqtt.sim.temperature import TemperatureInput
from lucid2mqtt.sim.wire import Command, CommandParser

ROOM = 4096
"""Bytes a module takes before it has answered; the wire has to hold the rest back."""
WORKING_MODE = 0x01
"""Reflect for digital channels, standard for the others."""

_FAMILIES_BY_NAME = {family.name: family for family in FAMILIES.values()}
_USUAL_TYPES = {"DI4DO4": 0x4005, "AI4": 0x1001, "AI8": 0x1001, "AO4": 0x1001, "AO8": 0x1001}


class VirtualModule:
    """One module of the family with that name ("RI4"). It is powered from `now` on.

    `type_code` defaults to 24 V inputs on a DI4DO4, 0..10 V for analog families, 0x1000 for the others. A module fresh from
    the factory has every channel in mode inactive; `commissioned` sets reflect or standard in both memory layers.
    Raises ValueError for an unknown family name or a type code whose range nobody knows.
    """

    def __init__(
        self,
        family: str,
        *,
        serial: int,
        type_code: int | None = None,
        quirks: Quirks | None = None,
        commissioned: bool = False,
        now: float = 0.0,
        firmware: int = 22,
        hardware: int = 3,
    ) -> None:
        if family not in _FAMILIES_BY_NAME:
            raise ValueError(f"no family {family!r}; there are {', '.join(_FAMILIES_BY_NAME)}")
        self.family = _FAMILIES_BY_NAME[family]
        self.quirks = quirks or Quirks()
        code = type_code if type_code is not None else _USUAL_TYPES.get(family, 0x1000)
        self.type = module_type(self.family, code)
        self.identity = Identity(firmware, hardware, self.family.class_code, code, serial)
        self.name = f"{family.lower()}-{serial}"
        self.journal = Journal()
        self._channels = [self._make_channel(block, number) for block in self.family.blocks for number in block.channels]
        self._inputs = {number: channel for number, channel in enumerate(self._channels) if isinstance(channel, InputChannel)}
        self._outputs = {number: channel for number, channel in enumerate(self._channels) if isinstance(channel, OutputChannel)}
        if commissioned:
            for channel in self._channels:
                channel.memory.commission(MODE, WORKING_MODE)
        self._commands = CommandSet(self.identity, self.family.blocks, self._channels, self.quirks)
        self._scan = SequentialScan([c for c in self._channels if isinstance(c, AnalogInput | TemperatureInput)])
        self._parser = CommandParser(self.quirks.inter_byte_timeout_s)
        self._line = FaultyLine()
        self._heals: dict[int, float] = {}
        self._waiting: deque[tuple[float, Command]] = deque()
        self._waiting_bytes = 0
        self._answer: tuple[float, bytes] | None = None
        self._free_at = now
        self._now = now
        self.is_powered = False
        self.power_on(now)

    # the wire

    @property
    def room(self) -> int:
        """Bytes the module can take now; more than that is lost, so the wire holds it back."""
        return ROOM - self._waiting_bytes - len(self._parser.held)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes came off the wire. Without power, or beyond `room`, they are lost and noted."""
        self.advance(now)
        taken = data[: self.room] if self.is_powered else b""
        if len(taken) < len(data):
            self.journal.note(Note(now, Kind.DISCARDED, data=data[len(taken) :]))
        for command in self._parser.feed(taken, now):
            self.journal.note(Note(now, Kind.REQUEST, data=command.raw))
            self._waiting.append((now, command))
            self._waiting_bytes += len(command.raw)
        self._begin_next()

    def replies_due(self, now: float) -> bytes:
        """Everything to be sent by `now`, in order; b"" when there is nothing."""
        due = b""
        while self._answer is not None and self._answer[0] <= now:
            at, reply = self._answer
            self._answer = None
            self._free_at = at
            if reply:
                self.journal.note(Note(at, Kind.REPLY, data=reply))
                due += reply
            self._begin_next()
        return due

    def next_event(self) -> float | None:
        """When `replies_due` has to be asked again, None when nothing is on its way."""
        return None if self._answer is None else self._answer[0]

    # the terminals

    def drive(self, channel: int, signal: Signal, at: float) -> None:
        """Terminal `channel` has `signal` (level, V or mA, °C, SensorFault) from `at` on, which may lie ahead.

        Raises ValueError when the channel is an output.
        """
        self._input(channel).drive(signal, at)

    def output(self, channel: int, now: float) -> bool | float:
        """What an output really does at `now`: contact closed, or V or mA. ValueError when the channel is an input."""
        self.advance(now)
        return self._output(channel).physical

    def on_seconds(self, channel: int, now: float) -> float:
        """Seconds the contact of a digital output was closed in all until `now`; 0 for an analog output."""
        self.advance(now)
        return self._output(channel).on_seconds()

    # the cable and the world

    def power_on(self, now: float) -> None:
        """The cable is in: parameters and outputs as persisted."""
        if self.is_powered:
            return
        self._now = now
        self.is_powered = True
        self.journal.note(Note(now, Kind.POWER, state=True))
        for channel in self._channels:
            channel.memory.power_up()
            channel.power_on(now)
        self._scan.restart(now)
        self._free_at = now

    def power_off(self, now: float) -> None:
        """The cable is out: contacts fall, everything volatile and every answer on its way is gone."""
        if not self.is_powered:
            return
        self.advance(now)
        self.is_powered = False
        self.journal.note(Note(now, Kind.POWER, state=False))
        self._parser.clear()
        self._waiting.clear()
        self._waiting_bytes = 0
        self._answer = None
        for channel in self._channels:
            channel.power_off(now)

    def power_cycle(self, now: float) -> None:
        """Out and in again."""
        self.power_off(now)
        self.power_on(now)

    def commission(self, channel: int, cells: Mapping[int, int], now: float) -> None:
        """Persisted parameters by place (`sim.memory`), set by somebody before the module came here; takes a power cycle."""
        for place, number in cells.items():
            self._channels[channel].memory.commission(place, number)
        self.power_cycle(now)

    def inject(self, fault: ModuleFault, now: float) -> None:
        """A fault on the line or a sensor from `now` on; ValueError when a sensor is to be stuck that is none."""
        self.advance(now)
        match fault:
            case Healthy():
                self._line.clear()
                for channel in self._channels:
                    channel.is_stuck = False
                self._heals.clear()
            case StuckSensor():
                self._input(fault.channel).is_stuck = True
                self._heals.pop(fault.channel, None)
                if fault.for_s is not None:
                    self._heals[fault.channel] = now + fault.for_s
            case _:
                self._line.add(fault, now)
        self.journal.note(Note(now, Kind.FAULT, text=str(fault)))

    def advance(self, now: float) -> None:
        """Let timers, scans and debouncing run until `now`. Every other call does this by itself."""
        if not self.is_powered or now <= self._now:
            return
        for number, heals_at in list(self._heals.items()):
            if heals_at <= now:
                del self._heals[number]
                self._channels[number].is_stuck = False
        self._scan.advance(now)
        for channel in self._channels:
            channel.advance(now)
        self._now = now

    @property
    def outputs(self) -> tuple[int, ...]:
        """Channel numbers of the outputs."""
        return tuple(self._outputs)

    @property
    def persistent_writes(self) -> int:
        """How often non-volatile memory was written since the module was made."""
        return sum(channel.memory.persistent_writes for channel in self._channels)

    def _begin_next(self) -> None:
        """One command at a time: the next begins when the module has answered the one before."""
        while self._answer is None and self._waiting:
            arrived_at, command = self._waiting.popleft()
            self._waiting_bytes -= len(command.raw)
            begins_at = max(arrived_at, self._free_at)
            if self._line.ignores(begins_at):
                continue
            self.advance(begins_at)
            status = self._line.refusal()
            reply = self._commands.carry_out(command, max(begins_at, self._now)) if status is None else Reply(status)
            wire, due = self._line.spoil(reply.encode(), begins_at + self._commands.duration_s(command))
            self._answer = (due, wire)

    def _make_channel(self, block: ChannelBlock, number: int) -> Channel:
        memory = Memory(block, self.quirks)
        seed = f"{self.identity.serial} {number}"

        def watch(at: float, state: bool | float) -> None:
            self.journal.note(Note(at, Kind.OUTPUT, channel=number, state=state))

        match block.kind:
            case ChannelKind.DIGITAL_INPUT:
                return DigitalInput(memory, self.quirks)
            case ChannelKind.DIGITAL_OUTPUT:
                return DigitalOutput(memory, self.quirks, watch)
            case ChannelKind.ANALOG_INPUT:
                return AnalogInput(memory, self.quirks, Span(self.type), seed)
            case ChannelKind.ANALOG_OUTPUT:
                return AnalogOutput(memory, self.quirks, Span(self.type), watch)
            case ChannelKind.TEMPERATURE:
                return TemperatureInput(memory, self.quirks, self.type, seed)

    def _input(self, number: int) -> InputChannel:
        if number not in self._inputs:
            raise ValueError(f"{self.name}: channel {number} is no input")
        return self._inputs[number]

    def _output(self, number: int) -> OutputChannel:
        if number not in self._outputs:
            raise ValueError(f"{self.name}: channel {number} is no output")
        return self._outputs[number]
