"""One digital channel of a module spoken to by its parameters: armed for the dead-man drive, tried, and set back.

Parameters go by the endings of their names, as in `control.deadman_arming`. Everything written here is volatile, except
for the one value that `keep_zero` persists.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from lucid2mqtt.control.deadman_arming import ParameterValue, Setting, arming_objection
from lucid2mqtt.errors import DeviceRefused, GarbledReply
from lucid2mqtt.lucid.exchange import Transactor, Turn
from lucid2mqtt.lucid.families import ModuleType
from lucid2mqtt.lucid.frames import Request, get_io, get_parameter, set_io, set_parameter
from lucid2mqtt.lucid.parameters import Parameter, parameters_of
from lucid2mqtt.lucid.values import decode, encode

FOLLOWS_WITHIN_S = 0.05
"""How long an armed output may take to do what was written: the on-delay of at most 20 ms, or a step of the output engine, and some."""

_MODE, _VALUE, _INVERTED = "Mode", "Value", "Inverted"
_REFLECT = "reflect"


class OnOffChannel:
    """All methods raise LinkError and RequestRejected(BUSY); those that write raise DeviceRefused too, where nothing else is said."""

    def __init__(self, line: Transactor, module_type: ModuleType, number: int, *, client: str, turn: Turn = Turn.SAFETY) -> None:
        self._line = line
        self._number = number
        self._client = client
        self._turn = turn
        self._value_type = module_type.read_types(number)[0]
        self._parameters = parameters_of(module_type.family, number)

    async def write(self, *, is_one: bool) -> None:
        """SetIo, and nothing else."""
        await self._ask(set_io(self._number, self._value_type, encode(self._value_type, is_one)))

    async def is_on(self) -> bool | None:
        """What GetIo says; None when the module refuses to tell."""
        try:
            data = await self._ask(get_io(self._number, self._value_type))
        except DeviceRefused:
            return None
        return bool(decode(self._value_type, data))

    async def told(self, names: Iterable[str]) -> dict[str, ParameterValue]:
        """Parameters as the module tells them; those that it does not tell are missing."""
        told: dict[str, ParameterValue] = {}
        for name in names:
            parameter = self._parameter(name)
            try:
                data = await self._ask(get_parameter(self._number, parameter.address))
            except DeviceRefused:
                continue
            with contextlib.suppress(GarbledReply):  # of another width: not what we take it for
                told[name] = parameter.decode(data)
        return told

    async def arm(self, settings: Sequence[Setting], off: Callable[[], Awaitable[None]]) -> str | None:
        """Prepares a run: 0 by `off`, the settings, 0 once more. The objection as a sentence; None when it is armed.

        `off` may raise DeviceRefused while the channel sleeps.
        """
        names = [setting.parameter for setting in settings]
        if (await self.told([_INVERTED])).get(_INVERTED):
            return "not armed: the output is inverted, it would not fall off but on; wire it for an output that is not inverted"
        with contextlib.suppress(DeviceRefused):
            await off()
        for setting in settings:
            await self._apply(setting)
        with contextlib.suppress(DeviceRefused):
            await off()
        await asyncio.sleep(FOLLOWS_WITHIN_S)
        return arming_objection(settings, await self.told(names), output_on=await self.is_on())

    async def keep_zero(self) -> None:
        """Makes 0 the value after a power cut: a write to memory that wears."""
        value = self._parameter(_VALUE)
        await self._ask(set_parameter(self._number, value.address, value.encode(0), persistent=True))

    async def restore(self, before: Mapping[str, ParameterValue]) -> tuple[str, ...]:
        """Puts parameters back to what `told` gave, the mode first; the names of those that could not be. Values stay: they switch."""
        names = sorted(before.keys() - {_VALUE}, key=lambda name: name != _MODE)
        return tuple([name for name in names if not await self._put(name, before[name])])

    async def make_plain(self, off: Callable[[], Awaitable[None]]) -> str | None:
        """Brings the channel to the mode in which it shows and keeps its state, `off` before; the objection where that fails.

        A module that does not tell its mode is taken to be in it.
        """
        mode = (await self.told([_MODE])).get(_MODE, _REFLECT)
        if mode == _REFLECT:
            return None
        await off()
        return None if await self._put(_MODE, _REFLECT) else f"it is in mode {mode} and cannot be put into {_REFLECT}"

    async def _apply(self, setting: Setting) -> None:
        for value in setting.values:
            if await self._put(setting.parameter, value):
                return

    async def _put(self, name: str, value: ParameterValue) -> bool:
        """Writes what differs; False when the module does not take it."""
        parameter = self._parameter(name)
        try:
            present = await self._ask(get_parameter(self._number, parameter.address))
            wanted = _encoded(parameter, value, present)
            if wanted != present:
                await self._ask(set_parameter(self._number, parameter.address, wanted))
                present = await self._ask(get_parameter(self._number, parameter.address))
        except (DeviceRefused, ValueError):
            return False
        return present == wanted

    def _parameter(self, ending: str) -> Parameter:
        return next(known for name, known in self._parameters.items() if name.endswith(ending))

    async def _ask(self, request: Request) -> bytes:
        reply = await self._line.transact(request, turn=self._turn, client=self._client)
        return reply.data_or_refusal(request)


def _encoded(parameter: Parameter, value: ParameterValue, present: bytes) -> bytes:
    """ValueError where the parameter does not take the value, or its flags byte is none."""
    try:
        return parameter.encode(value, present)
    except GarbledReply as fault:
        raise ValueError(str(fault)) from None
