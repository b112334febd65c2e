"""An output of the simulator, armed by a recipe and spoken to over its wire, as the engine would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lucid2mqtt.control.deadman_arming import ParameterValue, Setting
from lucid2mqtt.lucid.families import FAMILIES
from lucid2mqtt.lucid.frames import Request, get_io, get_parameter, set_io, set_parameter
from lucid2mqtt.lucid.parameters import Parameter, parameters_of
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import Quirks

_CHANNEL = 5
_DI4DO4 = next(family for family in FAMILIES.values() if family.name == "DI4DO4")


class SimulatedOutput:
    """A solid-state output of a module fresh from the factory. Times begin when it is armed, and ascend."""

    def __init__(self, quirks: Quirks, settings: Sequence[Setting]) -> None:
        self.module = VirtualModule("DI4DO4", serial=1, quirks=quirks)
        self._now = self._begin = 0.0
        self._ask(set_io(_CHANNEL, ValueType.DI1, b"\x00"))
        for setting in settings:
            self._apply(setting)
        self._begin = self._now

    def write(self, is_one: bool, at: float) -> None:
        assert self._ask(set_io(_CHANNEL, ValueType.DI1, bytes((is_one,))), at) == b"\x00\x00"

    def read_back(self, at: float | None = None) -> bool:
        return self._ask(get_io(_CHANNEL, ValueType.DI1), at) == b"\x00\x01\x01"

    def contact(self, at: float) -> bool:
        return bool(self.module.output(_CHANNEL, self._begin + at))

    def on_seconds(self, at: float) -> float:
        return self.module.on_seconds(_CHANNEL, self._begin + at)

    def told(self, settings: Sequence[Setting]) -> Mapping[str, ParameterValue]:
        """The parameters of a recipe as the module reads them back."""
        return {setting.parameter: self._parameter(setting).decode(self._get(setting)) for setting in settings}

    def _apply(self, setting: Setting) -> None:
        parameter = self._parameter(setting)
        for value in setting.values:
            data = parameter.encode(value, self._get(setting))
            reply = self._ask(set_parameter(_CHANNEL, parameter.address, data, persistent=setting.is_persistent))
            if reply == b"\x00\x00" and parameter.decode(self._get(setting)) == value:
                return

    def _parameter(self, setting: Setting) -> Parameter:
        return next(each for name, each in parameters_of(_DI4DO4, _CHANNEL).items() if name.endswith(setting.parameter))

    def _get(self, setting: Setting) -> bytes:
        return self._ask(get_parameter(_CHANNEL, self._parameter(setting).address))[2:]

    def _ask(self, request: Request, at: float | None = None) -> bytes:
        self._now = max(self._now, self._now if at is None else self._begin + at)
        self.module.receive(request.encode(), self._now)
        due = self.module.next_event()
        assert due is not None
        self._now = due
        return self.module.replies_due(due)
