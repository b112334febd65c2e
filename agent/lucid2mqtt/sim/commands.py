"""What a module does with a command: every check in one order, then the deed (sections 3 to 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.lucid.families import ChannelBlock
from lucid2mqtt.lucid.frames import Opcode, Reply
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.values import WIDTHS, ValueType
from lucid2mqtt.sim.channel import Channel
from lucid2mqtt.sim.quirks import Fault, Quirks, Refusal
from lucid2mqtt.sim.wire import CONTINUES, MASK_BYTES, Command

PERSISTENT = 0x80
DEFAULT = 0x01
ADDRESS_BYTES = 2
_SIGNED = frozenset({ValueType.VOS2, ValueType.VOS4, ValueType.CUS4, ValueType.TMS2, ValueType.TMS4})
_CALIBRATIONS = {
    ChannelKind.ANALOG_INPUT: frozenset({0x00}),
    ChannelKind.ANALOG_OUTPUT: frozenset({0x00}),
    ChannelKind.TEMPERATURE: frozenset({0x00, 0x10}),  # shorted and open terminals
}


class CommandSet:
    """The commands of one module over its channels."""

    def __init__(self, identity: Identity, blocks: Sequence[ChannelBlock], channels: Sequence[Channel], quirks: Quirks) -> None:
        self._identity = identity
        self._kinds = [block.kind for block in blocks for _ in block.channels]
        self._channels = channels
        self._quirks = quirks
        self._deeds: Mapping[int, Callable[[Command, float], bytes]] = {
            Opcode.SET_IO: self._set_io,
            Opcode.SET_IO_GROUP: self._set_io,
            Opcode.GET_IO: self._get_io,
            Opcode.GET_IO_GROUP: self._get_io,
            Opcode.CALIBRATE_IO: self._calibrate,
            Opcode.SET_PARAM: self._set_parameter,
            Opcode.GET_PARAM: self._get_parameter,
            Opcode.GET_ID: self._get_id,
        }

    def carry_out(self, command: Command, now: float) -> Reply:
        """Do it and answer; an error reply carries no data."""
        deed = self._deeds.get(command.opcode, _unknown)
        try:
            return Reply(0, deed(command, now))
        except Refusal as refusal:
            return Reply(self._quirks.statuses[refusal.fault])

    def duration_s(self, command: Command) -> float:
        """How long the module is busy with a command before it answers."""
        delay_s = self._quirks.reply_delay_s
        if command.opcode == Opcode.CALIBRATE_IO:
            delay_s += self._quirks.calibration_delay_s
        elif command.opcode == Opcode.SET_PARAM and command.option & PERSISTENT:
            delay_s += self._quirks.persistent_delay_s
        return delay_s

    def _get_id(self, command: Command, now: float) -> bytes:
        del now
        if command.p1:
            raise Refusal(Fault.BAD_SELECTOR)
        _no_data(command)
        return self._identity.encode()

    def _get_io(self, command: Command, now: float) -> bytes:
        channels, value_type = self._selected(command)
        _no_data(command)
        for channel in channels:
            channel.advance(now)
        return b"".join(_pack(channel.read(value_type), value_type) for channel in channels)

    def _set_io(self, command: Command, now: float) -> bytes:
        channels, value_type = self._selected(command)
        width = WIDTHS[value_type]
        if len(command.data) != width * len(channels):
            raise Refusal(Fault.WRONG_LENGTH)
        numbers = [
            int.from_bytes(command.data[start : start + width], "little", signed=value_type in _SIGNED)
            for start in range(0, len(command.data), width)
        ]
        if self._quirks.group_write_is_atomic:
            for channel, number in zip(channels, numbers, strict=True):
                channel.check_write(value_type, number)
        for channel, number in zip(channels, numbers, strict=True):
            channel.advance(now)
            channel.check_write(value_type, number)
            channel.write(value_type, number, now)
        return b""

    def _selected(self, command: Command) -> tuple[list[Channel], ValueType]:
        """The channels a command names, and the value type they all have."""
        if not command.mask:
            channels = [self._channel(command.p1)]
        else:
            if len(command.mask) == MASK_BYTES and command.mask[-1] & CONTINUES:
                raise Refusal(Fault.BAD_SELECTOR)
            numbers = [7 * place + bit for place, byte in enumerate(command.mask) for bit in range(7) if byte & 1 << bit]
            if not numbers and not self._quirks.empty_mask_answered:
                raise Refusal(Fault.BAD_SELECTOR)
            channels = [self._channel(number) for number in numbers]
        if command.option not in WIDTHS:
            raise Refusal(Fault.BAD_VALUE_TYPE)
        for channel in channels:
            channel.check_type(command.option)
        return channels, ValueType(command.option)

    def _channel(self, number: int) -> Channel:
        if number >= len(self._channels):
            raise Refusal(Fault.NO_CHANNEL)
        return self._channels[number]

    def _get_parameter(self, command: Command, now: float) -> bytes:
        channel = self._channel(command.p1)
        if command.option:
            raise Refusal(Fault.BAD_OPTION)
        if len(command.data) != ADDRESS_BYTES:
            raise Refusal(Fault.WRONG_LENGTH)
        place = channel.memory.place_of(int.from_bytes(command.data, "little"))
        channel.advance(now)
        return channel.memory.cells[place].encode(channel.parameter(place))

    def _set_parameter(self, command: Command, now: float) -> bytes:
        channel = self._channel(command.p1)
        if command.option & ~(PERSISTENT | DEFAULT):
            raise Refusal(Fault.BAD_OPTION)
        if len(command.data) < ADDRESS_BYTES:
            raise Refusal(Fault.WRONG_LENGTH)
        place = channel.memory.place_of(int.from_bytes(command.data[:ADDRESS_BYTES], "little"))
        value = command.data[ADDRESS_BYTES:]
        if command.option & DEFAULT and value:
            raise Refusal(Fault.WRONG_LENGTH)
        number = channel.memory.parse(place, None if command.option & DEFAULT else value)
        channel.advance(now)
        old = channel.memory[place]
        channel.memory.store(place, number, persistent=bool(command.option & PERSISTENT))
        channel.parameter_set(place, old, now)
        return b""

    def _calibrate(self, command: Command, now: float) -> bytes:
        del now
        self._channel(command.p1)
        options = _CALIBRATIONS.get(self._kinds[command.p1])
        if options is None:
            raise Refusal(Fault.UNKNOWN_COMMAND)
        if command.option & ~PERSISTENT not in options:
            raise Refusal(Fault.BAD_OPTION)
        _no_data(command)
        return b""


def _unknown(command: Command, now: float) -> bytes:
    del command, now
    raise Refusal(Fault.UNKNOWN_COMMAND)


def _no_data(command: Command) -> None:
    if command.data:
        raise Refusal(Fault.WRONG_LENGTH)


def _pack(number: int, value_type: ValueType) -> bytes:
    return number.to_bytes(WIDTHS[value_type], "little", signed=value_type in _SIGNED)
