"""What the running agent tells its command line about thermostats, and takes from it: they work without a broker, and so does this."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Protocol

from lucid2mqtt.climate.view import ClimateView
from lucid2mqtt.console.server import Verb
from lucid2mqtt.console.wire import Document
from lucid2mqtt.domain.numbers import plain_number
from lucid2mqtt.errors import Reason, RequestRejected


class Thermostats(Protocol):
    @property
    def all(self) -> Sequence[ClimateView]: ...
    def named(self, name: str) -> ClimateView: ...


class ThermostatVerbs:
    """`thermostats` None: the settings name none."""

    def __init__(self, thermostats: Thermostats | None) -> None:
        self._thermostats = thermostats

    def verbs(self) -> Mapping[str, Verb]:
        return {"thermostats": self.thermostats, "thermostat": self.thermostat}

    async def thermostats(self, request: Document) -> list[Document]:
        """Every thermostat as it stands."""
        del request
        return [] if self._thermostats is None else [_document(each) for each in self._thermostats.all]

    async def thermostat(self, request: Document) -> Document:
        """Gives the thermostat called `name` one command: `set` is what, `value` and for boost `for_s` how; its state then."""
        wanted = str(request.get("name"))
        if self._thermostats is None:
            remedy = "add one under thermostats: in the settings"
            raise RequestRejected(Reason.UNKNOWN_THERMOSTAT, f"there is no thermostat {wanted[:40]!r}", remedy)
        thermostat = self._thermostats.named(wanted)
        command = _commands(thermostat, request).get(str(request.get("set")))
        if command is None:
            raise _not_understood(f"{request.get('set')!r} cannot be set", "choose one of mode, target, preset, duty, autotune, alarms")
        command()
        return _document(thermostat)


def _commands(thermostat: ClimateView, request: Document) -> Mapping[str, Callable[[], None]]:
    value = request.get("value")
    return {
        "mode": lambda: thermostat.set_mode(str(value)),
        "target": lambda: thermostat.set_target(_number(value)),
        "preset": lambda: thermostat.set_preset(str(value), None if request.get("for_s") is None else _number(request["for_s"])),
        "duty": lambda: thermostat.set_duty(_number(value) / 100.0),
        "autotune": lambda: _word(
            value, {"start": thermostat.start_autotune, "abort": thermostat.abort_autotune, "undo": thermostat.undo_autotune}
        ),
        "alarms": lambda: _word(value, {"reset": thermostat.reset_alarms}),
    }


def _word(value: object, known: Mapping[str, Callable[[], None]]) -> None:
    act = known.get(str(value).strip().lower())
    if act is None:
        raise _not_understood(f"{value!r} is not understood", f"send {' or '.join(known)}")
    act()


def _number(value: object) -> float:
    number = plain_number(str(value)) if isinstance(value, int | float) else None
    if number is not None:
        return number
    raise _not_understood(f"{value!r} is no number", "send a number, as in 21.5")


def _document(thermostat: ClimateView) -> Document:
    options = thermostat.options
    return {
        **asdict(thermostat.state()),
        "label": options.label or options.name,
        "modes": list(options.modes),
        "minimum_c": options.presets.minimum_c,
        "maximum_c": options.presets.maximum_c,
        "outputs": [str(output) for output in options.outputs],
    }


def _not_understood(what: str, remedy: str) -> RequestRejected:
    return RequestRejected(Reason.NOT_UNDERSTOOD, what, remedy)
