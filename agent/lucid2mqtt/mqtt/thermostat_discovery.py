"""Home Assistant's discovery document of a thermostat: a device of its own, with a climate entity that bears its name. Pure.

Every value is taken out of the one state document, every entity is a row: so what Home Assistant shows belongs together in time.
Mode manual has no word among Home Assistant's modes, and `heat` would claim that the target is kept. So the climate entity has no
mode then ("unknown"), and the select entity, which has a word for it, tells. What cannot be done now is unavailable: a duty by hand
outside of manual, the end of an autotune that does not run.

Only what an owner looks at is enabled from the start; one problem entity stands for all alarms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.alarms import AlarmName
from lucid2mqtt.control.autotune import Phase
from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.control.presets import OFFERED
from lucid2mqtt.control.regulator import LawKind
from lucid2mqtt.control.tuned import Origin as TuningOrigin
from lucid2mqtt.control.window import WindowState
from lucid2mqtt.domain.names import heading
from lucid2mqtt.mqtt.discovery import Document, Origin, thermostat_device_id, thermostat_shell
from lucid2mqtt.mqtt.payloads import OFFLINE, ONLINE
from lucid2mqtt.mqtt.thermostat_payloads import STATE_EXPIRES_S, TARGET_STEP_C, Setting, Tune
from lucid2mqtt.mqtt.topics import Topics, thermostat_ref

LONGEST_TEXT = 255
"""Characters; Home Assistant refuses a longer state."""

_CLIMATE_MODES = (Mode.OFF, Mode.HEAT, Mode.COOL, Mode.AUTO)
_IDLE = "idle"
_IS_TUNING = "(value_json.autotune or {}).phase | default('') in " + str(
    [phase.value for phase in (Phase.BACKING_OFF, Phase.APPROACHING, Phase.SETTLING, Phase.PROBING)],
)
_ALARMS = "value_json.alarms | default([])"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One entity. `value`, `attributes` and `when` (it is available only then) are expressions over `value_json`."""

    key: str
    platform: str
    name: str
    value: str = ""
    attributes: str = ""
    when: str = ""
    sets: Setting | None = None
    category: str = ""
    is_enabled: bool = True
    more: Document = field(default_factory=dict)


def thermostat_device(options: ClimateOptions, topics: Topics, origin: Origin) -> Document:
    """The discovery document of a thermostat with all its entities."""
    rows = [row for group in _GROUPS for row in group(options)]
    components = {"climate": _climate(options, topics)} | {row.key: _entity(row, options.name, topics) for row in rows}
    return thermostat_shell(options.name, options.label, topics, origin) | {"components": components}


def _climate(options: ClimateOptions, topics: Topics) -> Document:
    state = topics.state(thermostat_ref(options.name))
    modes = [mode.value for mode in _CLIMATE_MODES if mode in options.modes]

    def command(setting: Setting) -> str:
        return topics.thermostat_command(options.name, setting)

    return _common("climate", options.name, topics) | {
        "platform": "climate",
        "name": None,  # the device's own
        "modes": modes,
        "mode_state_topic": state,
        "mode_state_template": _template(f"value_json.mode if value_json.mode in {modes} else none"),
        "mode_command_topic": command(Setting.MODE),
        "temperature_state_topic": state,
        "temperature_state_template": _template(_value("target")),
        "temperature_command_topic": command(Setting.TARGET),
        "current_temperature_topic": state,
        "current_temperature_template": _template(_value("current")),
        "action_topic": state,
        "action_template": _template(_value("action")),
        "preset_modes": [preset.value for preset in OFFERED],
        "preset_mode_state_topic": state,
        "preset_mode_value_template": _template(_value("preset")),
        "preset_mode_command_topic": command(Setting.PRESET),
        "min_temp": options.presets.minimum_c,
        "max_temp": options.presets.maximum_c,
        "temp_step": TARGET_STEP_C,
        "precision": 0.1,
        "temperature_unit": "C",
        "json_attributes_topic": state,
        "json_attributes_template": _template(_picked("reason", "duty", "setpoint", "notices")),
    }


def _controls(options: ClimateOptions) -> Iterator[_Row]:
    yield _Row(
        key="mode",
        platform="select",
        name="Mode",
        value=_value("mode"),
        sets=Setting.MODE,
        category="config",
        more={"options": [mode.value for mode in options.modes]},
    )
    yield _Row(
        key="manual_duty",
        platform="number",
        name="Manual duty",
        value=_value("manual_duty"),
        when=f"value_json.mode == '{Mode.MANUAL}'",
        sets=Setting.DUTY,
        category="config",
        more={
            "min": -100 if options.cooling else 0,
            "max": 100 if options.heating else 0,
            "step": 1,
            "mode": "box",
            "unit_of_measurement": "%",
        },
    )
    yield _Row(
        key="reset",
        platform="button",
        name="Reset alarms",
        when=f"{_ALARMS} | selectattr('latched') | list",
        sets=Setting.RESET,
        category="config",
    )


def _figures(options: ClimateOptions) -> Iterator[_Row]:
    yield _Row(
        key="duty",
        platform="sensor",
        name="Duty",
        value=_value("duty"),
        more={
            "state_class": "measurement",
            "unit_of_measurement": "%",
            "suggested_display_precision": 0,
            "expire_after": STATE_EXPIRES_S,
        },
    )
    yield _Row(
        key="setpoint",
        platform="sensor",
        name="Set-point",
        value=_value("setpoint"),
        category="diagnostic",
        is_enabled=False,
        more={
            "device_class": "temperature",
            "state_class": "measurement",
            "unit_of_measurement": "°C",
            "suggested_display_precision": 2,
        },
    )
    # it names the duty and so changes all the time: enabled, it would fill the logbook
    yield _Row(
        key="reason",
        platform="sensor",
        name="Reason",
        value=f"(value_json.reason | default(''))[:{LONGEST_TEXT}]",
        category="diagnostic",
        is_enabled=False,
    )
    if options.window is not None:
        yield _Row(
            key="window",
            platform="binary_sensor",
            name="Window",
            value=_on_if(f"value_json.window | default('{WindowState.CLOSED}') != '{WindowState.CLOSED}'"),
            more={"device_class": "window"},
        )


def _relays(options: ClimateOptions) -> Iterator[_Row]:
    drives = (options.control.heating, options.control.cooling)
    if all(drive is None or drive.analog is not None for drive in drives):
        return
    for key, name in (("closures_today", "Closures today"), ("closures_total", "Closures")):
        yield _Row(
            key=key,
            platform="sensor",
            name=name,
            value=_value(key),
            category="diagnostic",
            more={"state_class": "total_increasing", "unit_of_measurement": "closures"},
        )
    yield _Row(
        key="days_left",
        platform="sensor",
        name="Relay life left",
        value=_value("days_left"),
        category="diagnostic",
        more={
            "device_class": "duration",
            "state_class": "measurement",
            "unit_of_measurement": "d",
            "suggested_display_precision": 0,
        },
    )


def _tuning(options: ClimateOptions) -> Iterator[_Row]:
    if options.control.regulator.law is LawKind.ON_OFF:
        return  # it has nothing to tune
    for tune, name, when in (
        (Tune.START, "Start autotune", f"not ({_IS_TUNING})"),
        (Tune.ABORT, "Abort autotune", _IS_TUNING),
        (Tune.UNDO, "Undo autotune", f"not ({_IS_TUNING})"),
    ):
        yield _Row(
            key=f"autotune_{tune.lower()}",
            platform="button",
            name=name,
            when=when,
            sets=Setting.AUTOTUNE,
            category="config",
            more={"payload_press": tune.value},
        )
    yield _Row(
        key="autotune",
        platform="sensor",
        name="Autotune",
        value=f"(value_json.autotune or {{}}).phase | default('{_IDLE}')",
        attributes="value_json.autotune or {}",
        category="diagnostic",
        more={"device_class": "enum", "options": [_IDLE, *(phase.value for phase in Phase)]},
    )
    yield _Row(
        key="autotune_remaining",
        platform="sensor",
        name="Autotune remaining",
        value="(value_json.autotune or {}).remaining_s | default(none)",
        category="diagnostic",
        is_enabled=False,
        more={"device_class": "duration", "state_class": "measurement", "unit_of_measurement": "s"},
    )
    yield _Row(
        key="tuning",
        platform="sensor",
        name="Tuning",
        value=_value("tuning"),
        category="diagnostic",
        is_enabled=False,
        more={"device_class": "enum", "options": [origin.value for origin in TuningOrigin]},
    )


def _complaints(options: ClimateOptions) -> Iterator[_Row]:
    yield _Row(
        key="problem",
        platform="binary_sensor",
        name="Problem",
        value=_on_if(_ALARMS),
        attributes=f"{{'alarms': {_ALARMS}}}",
        category="diagnostic",
        more={"device_class": "problem"},
    )
    yield _Row(
        key="notices",
        platform="sensor",
        name="Notices",
        value="value_json.notices | default([]) | count",
        attributes="{'notices': value_json.notices | default([])}",
        category="diagnostic",
    )
    for alarm in AlarmName:
        if _can_happen(alarm, options):
            this = f"{_ALARMS} | selectattr('name', 'eq', '{alarm}')"
            yield _Row(
                key=f"alarm_{alarm}",
                platform="binary_sensor",
                name=heading(alarm),
                value=_on_if(f"{this} | list"),
                attributes=f"{this} | first | default({{}})",
                category="diagnostic",
                is_enabled=False,
                more={"device_class": "problem"},
            )


_GROUPS = (_controls, _figures, _relays, _tuning, _complaints)


def _can_happen(alarm: AlarmName, options: ClimateOptions) -> bool:
    match alarm:
        case AlarmName.SENSORS_DISAGREE:
            return len(options.sensors) > 1
        case AlarmName.LIMITER | AlarmName.LIMITER_WITHHOLDS:
            return options.limiter is not None
        case AlarmName.AUTOTUNE_FAILED:
            return options.control.regulator.law is not LawKind.ON_OFF
        case _:
            return True


def _entity(row: _Row, name: str, topics: Topics) -> Document:
    state = topics.state(thermostat_ref(name))
    document: Document = {"platform": row.platform} | _common(row.key, name, topics) | {"name": row.name} | row.more
    if row.value:
        document |= {"state_topic": state, "value_template": _template(row.value)}
    if row.attributes:
        document |= {"json_attributes_topic": state, "json_attributes_template": _template(f"({row.attributes}) | to_json")}
    if row.when:
        available = _template(f"'{ONLINE}' if {row.when} else '{OFFLINE}'")
        document["availability"].append({"topic": state, "value_template": available})
    if row.sets is not None:
        document["command_topic"] = topics.thermostat_command(name, row.sets)
    if row.category:
        document["entity_category"] = row.category
    if not row.is_enabled:
        document["enabled_by_default"] = False
    return document


def _common(key: str, name: str, topics: Topics) -> Document:
    return {
        "unique_id": f"{thermostat_device_id(topics.node, name)}_{key}",
        "availability": [{"topic": topics.status}, {"topic": topics.channel_status(thermostat_ref(name))}],
    }


def _value(key: str) -> str:
    return f"value_json.{key} | default(none)"


def _on_if(condition: str) -> str:
    return f"'ON' if {condition} else 'OFF'"


def _picked(*keys: str) -> str:
    pairs = ", ".join(f"'{key}': {_value(key)}" for key in keys)
    return f"{{{pairs}}} | to_json"


def _template(expression: str) -> str:
    return f"{{{{ {expression} }}}}"
