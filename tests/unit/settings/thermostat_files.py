"""A house to try thermostats in: two named modules, one by its default name, and a thermostat that is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from lucid2mqtt.errors import SettingsError
from lucid2mqtt.settings import Settings, load

MODULES: tuple[dict[str, object], ...] = (
    {
        "match": {"serial": 1},
        "name": "Boiler room",
        "family": "RI4",
        "channels": {"0": {"name": "Flow"}, "1": {"name": "Return", "poll_s": 2.0}, "3": {"enabled": False}},
    },
    {"match": {"serial": 2}, "name": "Heaters", "family": "DI4DO4", "channels": {"0": {"name": "Window"}, "4": {"name": "Living"}}},
    {"match": {"serial": 3}, "name": "Valves", "family": "AO4", "channels": {"0": {"name": "Mixer", "minimum": 0, "maximum": 10}}},
    {"match": {"serial": 4}, "name": "Plant", "family": "AI4", "channels": {"0": {"scale": 10, "unit": "°C"}, "1": {"unit": "bar"}}},
    {"match": {"serial": 5}, "name": "Unknown"},
)
RIGHT: dict[str, object] = {"name": "Living", "sensors": ["boiler-room/flow"], "heater": "heaters/living"}


def loaded(*thermostats: object, **rest: object) -> Settings:
    """Raises SettingsError; places of faults are the top keys."""
    values = {"modules": list(MODULES), "thermostats": list(thermostats), **rest}
    return load(None, {}, overrides={key: (value, key) for key, value in values.items()})


def of(**keys: object) -> Settings:
    """One thermostat, right but for `keys`; a key that is None is left out."""
    return loaded({key: value for key, value in {**RIGHT, **keys}.items() if value is not None})


def faults_of(*thermostats: object, **rest: object) -> list[tuple[str, str, str]]:
    """Key, message and remedy of every fault."""
    with pytest.raises(SettingsError) as refused:
        loaded(*thermostats, **rest)
    return [(fault.key, fault.message, fault.remedy) for fault in refused.value.faults]


def fault_in(**keys: object) -> tuple[str, str, str]:
    """The only fault of one thermostat that is right but for `keys`."""
    (fault,) = faults_of({key: value for key, value in {**RIGHT, **keys}.items() if value is not None})
    return fault


def written(folder: Path, text: str) -> Path:
    path = folder / "s.yaml"
    path.write_text(text, encoding="utf-8")
    return path
