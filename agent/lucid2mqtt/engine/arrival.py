"""What happens to a module before its first reading: parameters checked, modes read, sleeping channels woken.

Everything is read before it is written, written only where it differs, volatile unless the user said persistent, and
told in one line per change. Some modules do not know every address: a refusal is told and does not stop the rest.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.engine.options import ModuleOptions, ParameterSetting
from lucid2mqtt.errors import DeviceRefused
from lucid2mqtt.lucid.exchange import Transactor, Turn
from lucid2mqtt.lucid.families import Family, ModuleType
from lucid2mqtt.lucid.frames import Opcode, Request, get_parameter, set_io, set_parameter
from lucid2mqtt.lucid.parameters import InputMode, Parameter, find_parameter, parameters_of
from lucid2mqtt.lucid.values import encode

_INACTIVE = 0  # these two codes are the same in every family (protocol page 7)
_PLAIN = 1  # "reflect" of digital, "standard" of analog channels

_MODE, _ADDS, _RESETS = "Mode", "AddCounter", "ResetCounterOnRead"  # how the names of the parameters that are read here end

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel works at present. `mode` is None where the module does not tell: then it is taken for the plain one."""

    mode: int | None = None
    adds: bool = False  # counters: windows accumulate
    resets: bool = False  # counters: reading sets them to 0
    was_asleep: bool = False  # woken just now

    @property
    def is_active(self) -> bool:
        return self.mode != _INACTIVE


class Arrival:
    """Prepares one module over its line; `prepare` raises LinkError and RequestRejected(BUSY) when the line fails."""

    def __init__(self, name: str, module_type: ModuleType, options: ModuleOptions, line: Transactor) -> None:
        self._name = name
        self._type = module_type
        self._family = module_type.family
        self._options = options
        self._line = line
        self._woken: set[int] = set()

    async def prepare(self) -> Mapping[int, ChannelState]:
        """Brings every channel to what the options declare; the state of the enabled ones by number."""
        for channel, settings in sorted(self._options.parameters.items()):
            for name, setting in settings.items():
                await self._apply(channel, name, setting)
        return {channel: await self._look_at(channel, wake=self._options.activate) for channel in self._enabled()}

    async def look(self) -> Mapping[int, ChannelState]:
        """The state of the enabled channels by number, as it is; nothing is written."""
        return {channel: await self._look_at(channel, wake=False) for channel in self._enabled()}

    def _enabled(self) -> list[int]:
        return [channel for channel in self._family.channels if self._options.channel(channel).enabled]

    async def _apply(self, channel: int, name: str, setting: ParameterSetting) -> None:
        try:
            parameter = find_parameter(self._family, channel, name)
            before = await self._get(channel, parameter)
            wanted = parameter.encode(setting.value, before)
            if before == wanted:
                return
            wakes = parameter == self._parameter(channel, _MODE) and before[0] == _INACTIVE
            if wakes:
                await self._zero_asleep(channel)
            await self._set(channel, parameter, wanted, persistent=setting.persistent)
            if wakes:
                self._woken.add(channel)
                await self._zero_awake(channel)
            after = await self._get(channel, parameter)
        except (KeyError, ValueError, DeviceRefused) as error:
            _log.warning("%s: parameter %s of channel %d is not set to %s: %s", self._name, name, channel, setting.value, error)
            return
        _log.log(
            logging.INFO if after == wanted else logging.WARNING,
            "%s: parameter %s of channel %d: %s -> %s (%s), the module says %s",
            self._name,
            parameter.name,
            channel,
            _words(parameter.decode(before)),
            _words(setting.value),
            "persistent" if setting.persistent else "volatile",
            _words(parameter.decode(after)),
        )

    async def _look_at(self, channel: int, *, wake: bool) -> ChannelState:
        parameter = self._parameter(channel, _MODE)
        try:
            mode = (await self._get(channel, parameter))[0]
        except (ValueError, DeviceRefused) as error:
            _log.info("%s: channel %d does not tell its mode: %s", self._name, channel, error)
            return ChannelState()
        if mode == _INACTIVE and wake:
            mode = await self._wake(channel, parameter)
        was_asleep = channel in self._woken
        if self._kind(channel) is not ChannelKind.DIGITAL_INPUT or mode != InputMode.COUNT:
            return ChannelState(mode, was_asleep=was_asleep)
        try:
            return ChannelState(mode, adds=await self._flag(channel, _ADDS), resets=await self._flag(channel, _RESETS))
        except (ValueError, DeviceRefused) as error:
            _log.warning("%s: channel %d does not tell how it counts, no total is made: %s", self._name, channel, error)
            return ChannelState(mode)

    async def _wake(self, channel: int, mode: Parameter) -> int:
        try:
            await self._zero_asleep(channel)
            await self._set(channel, mode, bytes((_PLAIN,)), persistent=False)
            self._woken.add(channel)
            await self._zero_awake(channel)
            after = await self._get(channel, mode)
        except (ValueError, DeviceRefused) as error:
            _log.warning("%s: channel %d is inactive and cannot be woken: %s", self._name, channel, error)
            return _INACTIVE
        _log.info("%s: channel %d was inactive, is now %s", self._name, channel, mode.decode(after))
        return after[0]

    async def _zero_asleep(self, channel: int) -> None:
        """Gives a sleeping output the value 0, so that nothing pulses when it wakes."""
        kind = self._kind(channel)
        with contextlib.suppress(DeviceRefused):  # some may take no value while asleep
            await self._zero_awake(channel)
        # the unit of an analog Value is open (protocol page 12.5), but where the range begins at its lower end, 0 is that end
        begins_at_0 = self._type.minimum is not None and self._type.minimum >= 0
        if kind is ChannelKind.DIGITAL_OUTPUT or (kind is ChannelKind.ANALOG_OUTPUT and begins_at_0):
            value = self._parameter(channel, "Value")
            await self._set(channel, value, bytes(value.width), persistent=False)

    async def _zero_awake(self, channel: int) -> None:
        """The same for an analog output that is awake: a module may take a write while asleep and forget it."""
        if self._kind(channel) is ChannelKind.ANALOG_OUTPUT:
            value_type = self._type.write_type(channel)
            await self._ask(set_io(channel, value_type, encode(value_type, max(self._type.minimum or 0.0, 0.0))))

    def _kind(self, channel: int) -> ChannelKind:
        return self._family.block_of(channel).kind

    def _parameter(self, channel: int, ending: str) -> Parameter:
        return next(known for name, known in parameters_of(self._family, channel).items() if name.endswith(ending))

    async def _flag(self, channel: int, ending: str) -> bool:
        parameter = self._parameter(channel, ending)
        return bool(parameter.decode(await self._get(channel, parameter)))

    async def _get(self, channel: int, parameter: Parameter) -> bytes:
        data = await self._ask(get_parameter(channel, parameter.address))
        if len(data) != parameter.width:
            raise ValueError(f"{parameter.name} has {len(data)} bytes instead of {parameter.width}")
        return data

    async def _set(self, channel: int, parameter: Parameter, data: bytes, *, persistent: bool) -> None:
        await self._ask(set_parameter(channel, parameter.address, data, persistent=persistent))

    async def _ask(self, request: Request) -> bytes:
        reply = await self._line.transact(request, turn=Turn.COMMAND, client="arrival")
        return reply.data_or_refusal(request)


def may_change_state(request: Request, family: Family) -> bool:
    """True when a module of `family` may work otherwise than `Arrival` saw it after it carried out `request`."""
    if not request.is_known:
        return True
    if request.opcode != Opcode.SET_PARAM:
        return False
    address = int.from_bytes(request.data[:2], "little")
    return any(
        parameter.address == address and name.endswith((_MODE, _ADDS, _RESETS))
        for channel in request.channels
        if channel in family.channels
        for name, parameter in parameters_of(family, channel).items()
    )


def _words(value: str | float | bool) -> str:
    """A parameter's value as the settings write it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
