"""Home Assistant's device classes that a channel can have, with the units each admits: a closed table.

A wrong pair costs the owner the entity and a log line he may never read, so it is refused before anything is announced.
From Home Assistant 2026.9.4, `sensor/const.py` (classes, units, state classes), `binary_sensor/__init__.py` and
`switch/__init__.py`; classes that no voltage, current, temperature, contact or pulse can stand for are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from lucid2mqtt.domain.channel import Signal


@dataclass(frozen=True, slots=True)
class NumericClass:
    """`units` as Home Assistant spells them ("" where a class has none); whether the value may be a measurement or a running total."""

    units: tuple[str, ...]
    measured: bool = True
    totalled: bool = False


_PRESSURE = NumericClass(("bar", "mbar", "cbar", "mPa", "Pa", "hPa", "kPa", "mmHg", "inHg", "inH₂O", "psi"))
_ENERGY_UNITS = ("kWh", "Wh", "mWh", "MWh", "GWh", "TWh", "J", "kJ", "MJ", "GJ", "cal", "kcal", "Mcal", "Gcal")
_VOLUME_UNITS = ("m³", "L", "mL", "ft³", "CCF", "MCF", "gal", "fl. oz.")
_SPEED_UNITS = ("m/s", "km/h", "m/min", "mm/s", "kn", "mph", "ft/s", "in/s", "Beaufort")
_RAIN_RATE_UNITS = ("mm/h", "mm/d", "in/h", "in/d")
_TEMPERATURE = NumericClass(("°C", "K", "°F"))

NUMERIC_CLASSES: Mapping[str, NumericClass] = MappingProxyType(
    {
        "absolute_humidity": NumericClass(("g/m³", "mg/m³")),
        "apparent_power": NumericClass(("VA", "kVA", "mVA")),
        "atmospheric_pressure": _PRESSURE,
        "battery": NumericClass(("%",)),
        "carbon_dioxide": NumericClass(("ppm",)),
        "carbon_monoxide": NumericClass(("ppm", "ppb", "mg/m³", "μg/m³")),
        "conductivity": NumericClass(("μS/cm", "mS/cm", "S/cm")),
        "current": NumericClass(("A", "mA", "μA")),
        "distance": NumericClass(("mm", "cm", "m", "km", "in", "ft", "yd", "mi", "nmi"), totalled=True),
        "duration": NumericClass(("s", "min", "h", "d", "ms", "μs"), totalled=True),
        "energy": NumericClass(_ENERGY_UNITS, measured=False, totalled=True),
        "energy_storage": NumericClass(_ENERGY_UNITS),
        "frequency": NumericClass(("Hz", "mHz", "kHz", "MHz", "GHz")),
        "gas": NumericClass(("m³", "L", "ft³", "CCF", "MCF"), measured=False, totalled=True),
        "humidity": NumericClass(("%",)),
        "illuminance": NumericClass(("lx",)),
        "irradiance": NumericClass(("W/m²", "BTU/(h⋅ft²)")),
        "moisture": NumericClass(("%",)),
        "ph": NumericClass(("",)),
        "power": NumericClass(("W", "kW", "mW", "MW", "GW", "TW")),
        "power_factor": NumericClass(("", "%")),
        "precipitation": NumericClass(("mm", "cm", "in"), totalled=True),
        "precipitation_intensity": NumericClass(_RAIN_RATE_UNITS),
        "pressure": _PRESSURE,
        "reactive_energy": NumericClass(("kvarh", "varh"), measured=False, totalled=True),
        "reactive_power": NumericClass(("var", "kvar", "mvar")),
        "sound_pressure": NumericClass(("dB", "dBA")),
        "speed": NumericClass(_SPEED_UNITS + _RAIN_RATE_UNITS),
        "temperature": _TEMPERATURE,
        "temperature_delta": _TEMPERATURE,
        "voltage": NumericClass(("V", "mV", "μV", "kV", "MV")),
        "volume": NumericClass(_VOLUME_UNITS, measured=False, totalled=True),
        "volume_flow_rate": NumericClass(("m³/h", "m³/min", "m³/s", "L/h", "L/min", "L/s", "mL/s", "ft³/min", "gal/h", "gal/min", "gal/d")),
        "volume_storage": NumericClass(_VOLUME_UNITS),
        "water": NumericClass(("m³", "L", "ft³", "CCF", "MCF", "gal"), measured=False, totalled=True),
        "weight": NumericClass(("kg", "g", "mg", "μg", "oz", "lb", "st"), totalled=True),
        "wind_speed": NumericClass(_SPEED_UNITS),
    }
)
"""Of `sensor` (all inputs with a number) and `number` (analog outputs)."""

CONTACT_CLASSES: frozenset[str] = frozenset(
    {
        "battery",
        "battery_charging",
        "carbon_monoxide",
        "cold",
        "connectivity",
        "door",
        "garage_door",
        "gas",
        "heat",
        "light",
        "lock",
        "moisture",
        "motion",
        "moving",
        "occupancy",
        "opening",
        "plug",
        "power",
        "presence",
        "problem",
        "running",
        "safety",
        "smoke",
        "sound",
        "tamper",
        "update",
        "vibration",
        "window",
    }
)
"""Of `binary_sensor` (digital inputs that show a state)."""

SWITCH_CLASSES: frozenset[str] = frozenset({"outlet", "switch", "light", "water", "gas"})
"""Of digital outputs: `outlet` and `switch` of a switch, `light` makes it a light, `water` and `gas` a valve."""


def classes_of(signal: Signal, *, is_output: bool) -> Collection[str]:
    """The device classes a channel with this signal may have, whatever its unit."""
    if signal is Signal.STATE:
        return SWITCH_CLASSES if is_output else CONTACT_CLASSES
    if is_output:
        return NUMERIC_CLASSES
    if signal in (Signal.TOTAL, Signal.EDGE):
        return [name for name, numeric in NUMERIC_CLASSES.items() if numeric.totalled]
    return [name for name, numeric in NUMERIC_CLASSES.items() if numeric.measured]


def unit_objection(device_class: str, unit: str) -> str | None:
    """Why a numeric `device_class` cannot have `unit`, as a sentence that names the units it can have; None when it can."""
    units = NUMERIC_CLASSES[device_class].units
    if unit in units:
        return None
    spelled = ", ".join(repr(candidate) if candidate else "no unit" for candidate in units)
    return f"device class {device_class!r} cannot have {f'unit {unit!r}' if unit else 'no unit'}; it takes {spelled}"


def class_objection(device_class: str, signal: Signal, *, is_output: bool, unit: str | None) -> str | None:
    """Why a channel cannot have `device_class`, as a sentence; None when it can. `unit` None: not known yet, not judged."""
    admitted = classes_of(signal, is_output=is_output)
    if device_class not in admitted:
        near = get_close_matches(device_class, admitted, n=1)
        role = "output" if is_output else "input"
        return f"{device_class!r} is no device class of an {role} with a {signal}" + (f"; did you mean {near[0]!r}?" if near else "")
    if signal is Signal.STATE or unit is None:
        return None
    return unit_objection(device_class, unit)
