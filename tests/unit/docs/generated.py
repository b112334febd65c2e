"""Writes the tables of the reference pages from the program itself, so that they cannot lie.

A page holds a pair of lines for each table; what stands between them is replaced:

    <!-- generated: NAME -->
    <!-- end -->

`python -m tests.unit.docs.generated` renews all pages; the tests fail while one is stale.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.domain.device_classes import CONTACT_CLASSES, NUMERIC_CLASSES, SWITCH_CLASSES
from lucid2mqtt.lucid.families import _TYPES as TYPES
from lucid2mqtt.lucid.families import FAMILIES, Family
from lucid2mqtt.lucid.parameters import Parameter, parameters_of
from lucid2mqtt.settings import Settings
from tests.unit.docs.pages import ROOT, pages

COMMAND = "python -m tests.unit.docs.generated"

_MARKED = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)

Schema = Mapping[str, Any]  # Any: JSON schema


def renewed(text: str) -> str:
    """`text` with every generated table as it should be. KeyError for a table nobody makes."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]().rstrip()}\n\n{found[3]}", text)


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(heading)]
    lines += [["---"] * len(lines[0]), *(list(row) for row in rows)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


# -- settings --------------------------------------------------------------------------------------------------------

_UNTOLD = {
    "node": "the host name",
    "state_dir": "see text",
    "console.path": "see text",
    "mqtt.client_id": "`lucid2mqtt-` and the node",
    "home_assistant.birth_topic": "the prefix and `/status`",
    "modules.N.name": "family and serial number",
    "modules.N.channels.N.name": "its number",
    "modules.N.channels.N.poll_s": "`poll_s` of the module",
    "modules.N.channels.N.decimals": "as fine as the module",
    "modules.N.channels.N.unit": "the module's",
    "passthrough.N.idle_s": "see text",
    "modules.N.channels.N.minimum": "the module's range",
    "modules.N.channels.N.maximum": "the module's range",
    "thermostats.N.sensors.N.key": "the whole payload",
    "thermostats.N.outdoor.key": "the whole payload",
    "thermostats.N.heater": "-",
    "thermostats.N.cooler": "-",
    "thermostats.N.mode": "`heat`, or `cool` without a heater",
    **{
        f"thermostats.N.{section}{key}": default
        for section in ("", "cooling.")
        for key, default in (("cycle_s", "see text"), ("min_on_s", "see text"), ("min_off_s", "see text"), ("bank.shares", "equal parts"))
    },
    "thermostats.N.sensing.rate_k_per_min": "see text",
    "thermostats.N.gains": "see text",
    "thermostats.N.ramp_k_per_h": "see text",
    "thermostats.N.weather.loss_duty_per_k": "learned",
    "thermostats.N.on_sensor_loss.glitch_s": "see text",
    "thermostats.N.on_sensor_loss.failed_after_s": "see text",
    "thermostats.N.supervision.loop_break_s": "see text",
    "thermostats.N.schedule.zone": "the machine's",
    "thermostats.N.schedule.daily": "-",
}
"""Defaults that depend on the machine or the module."""


def settings_tables() -> str:
    """One section per mapping of the file, in the order of the schema."""
    schema = Settings.model_json_schema()
    parts = []
    for path, section in _sections(schema, schema, ()):
        title = ".".join(path) or "top level"
        rows = (_key_row(schema, section, path, key, field) for key, field in section["properties"].items())
        parts.append(f"### {title}\n\n{table(('key', 'value', 'default', 'meaning'), rows)}")
    return "\n".join(parts)


def settings_keys() -> list[str]:
    """Every key with its path, list and mapping places written as N: `modules.N.channels.N.name`."""
    schema = Settings.model_json_schema()
    return [".".join((*path, key)) for path, section in _sections(schema, schema, ()) for key in section["properties"]]


def _sections(schema: Schema, section: Schema, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    yield path, section
    for key, field in section["properties"].items():
        inner, places = _inner(schema, field)
        if inner is not None:
            yield from _sections(schema, inner, (*path, key, *places))


def _inner(schema: Schema, field: Schema) -> tuple[Schema | None, tuple[str, ...]]:
    """The mapping a key holds, through lists and mappings, with an N for each of them; None where it holds none."""
    if "$ref" in field:
        return _inner(schema, schema["$defs"][field["$ref"].rpartition("/")[2]])
    if "properties" in field:
        return field, ()
    for inside in (field.get("items"), field.get("additionalProperties")):
        if isinstance(inside, dict):
            found, places = _inner(schema, inside)
            return found, ("N", *places)
    for choice in field.get("anyOf", ()):
        found, places = _inner(schema, choice)
        if found is not None:
            return found, places
    return None, ()


def _key_row(schema: Schema, section: Schema, path: tuple[str, ...], key: str, field: Schema) -> tuple[str, ...]:
    full = ".".join((*path, key))
    if key in section.get("required", ()):
        default = "**required**"
    elif full in _UNTOLD:
        default = _UNTOLD[full]
    elif _inner(schema, field)[0] is not None or field.get("default") is None:
        default = "-"
    else:
        default = f"`{_plain(field['default'])}`"
    return f"`{key}`", _value(schema, field), default, field.get("description", "")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _value(schema: Schema, field: Schema) -> str:
    """What may be written, in words."""
    inner, places = _inner(schema, field)
    if inner is not None:
        kind = "list" if field.get("type") == "array" else "by number" if places else "mapping"
        return f"{kind}, see below"
    if isinstance(each := field.get("additionalProperties"), dict):
        return f"by number: {_value(schema, each)}"
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if "anyOf" in field:
        choices = [_value(schema, choice) for choice in field["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(choices))
    if field.get("type") == "array":
        return f"list of {_listed(field.get('items', {}))}"
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    return ", ".join(_limits(field) or _TEXT_FORMS.get(field.get("format", "")) or _TYPE_WORDS[each] for each in kinds)


def _listed(items: Schema) -> str:
    inner = items.get("items")
    return f"lists of {_listed(inner)}" if inner is not None else f"{_TYPE_WORDS[items['type']]}s"


_TYPE_WORDS = {
    "boolean": "`true`, `false`",
    "integer": "whole number",
    "number": "number",
    "string": "text",
}
_TEXT_FORMS = {"path": "file path", "password": "secret"}


def _limits(field: Schema) -> str:
    low, above, high = field.get("minimum"), field.get("exclusiveMinimum"), field.get("maximum")
    start = f"{low:g}" if low is not None else f"above {above:g}" if above is not None else ""
    if high is not None:
        return f"{start}..{high:.10g}" if low is not None else f"{start}, up to {high:.10g}".lstrip(", ")
    return f"{start} or more" if low is not None else start


# -- modules ---------------------------------------------------------------------------------------------------------


def families_table() -> str:
    rows = ((f"`{family.name}`", _channels(family), f"0x{family.class_code:04X}") for family in FAMILIES.values())
    return table(("family", "channels", "class"), rows)


def _channels(family: Family) -> str:
    parts = []
    for block in family.blocks:
        numbers = f" ({block.channels[0]} to {block.channels[-1]})" if len(family.blocks) > 1 else ""
        parts.append(f"{block.count} {block.kind}s{numbers}")
    return ", ".join(parts)


_KIND_NAMES = {
    (ChannelKind.DIGITAL_INPUT,): "DI4, DI8, DI16",
    (ChannelKind.DIGITAL_OUTPUT,): "DO4, DO6, DO8, DO16",
    (ChannelKind.ANALOG_INPUT,): "AI4, AI8",
    (ChannelKind.ANALOG_OUTPUT,): "AO4, AO8",
    (ChannelKind.TEMPERATURE,): "RI4, RI8",
    (ChannelKind.DIGITAL_INPUT, ChannelKind.DIGITAL_OUTPUT): "DI4DO4",
}


def types_table() -> str:
    rows = ((_KIND_NAMES[kinds], f"0x{code:04X}", known.text) for kinds, types in TYPES.items() for code, known in types.items())
    return table(("families", "type", "shown as"), rows)


def tested_table() -> str:
    """What bytes of real modules were seen."""
    rows = []
    for file in sorted((ROOT / "tests" / "recordings").glob("*.json")):
        seen = json.loads(file.read_text(encoding="utf-8"))
        rows.append(
            (seen["family"], seen["type"], str(seen["firmware"]), str(seen["hardware"]), str(len(seen["exchanges"])), seen["source"])
        )
    return table(("family", "type", "firmware", "hardware", "exchanges", "source"), rows)


_EXAMPLES = {"DI": "DI4", "DO": "DO4", "AI": "AI4", "AO": "AO4", "RI": "RI4"}


def parameter_tables() -> str:
    """The parameters by kind of channel; the DI4DO4's only differ by a digit in the name."""
    by_name = {family.name: family for family in FAMILIES.values()}
    parts = []
    for group, example in _EXAMPLES.items():
        rows = (_parameter_row(parameter) for parameter in parameters_of(by_name[example], 0).values())
        parts.append(f"### {group}\n\n{table(('name', 'may be', 'unit', 'factory value', 'address'), rows)}")
    return "\n".join(parts)


def _parameter_row(parameter: Parameter) -> tuple[str, ...]:
    may_be = "read only" if parameter.read_only else parameter.allowed.removesuffix(parameter.unit).strip()
    default = "not published" if parameter.default is None else "off" if parameter.default is False else str(parameter.default)
    bit = "" if parameter.bit is None else f" bit {parameter.bit}"
    return f"`{parameter.name}`", may_be, parameter.unit or "-", "-" if parameter.read_only else default, f"0x{parameter.address:04X}{bit}"


def device_class_table() -> str:
    rows = [
        (f"`{name}`", ", ".join(unit or "no unit" for unit in known.units), _uses(measured=known.measured, totalled=known.totalled))
        for name, known in NUMERIC_CLASSES.items()
    ]
    contacts = ", ".join(f"`{name}`" for name in sorted(CONTACT_CLASSES))
    switches = ", ".join(f"`{name}`" for name in sorted(SWITCH_CLASSES))
    return (
        f"{table(('device class', 'units', 'for'), rows)}\nDigital inputs that show a state: {contacts}.\n\nDigital outputs: {switches}.\n"
    )


def _uses(*, measured: bool, totalled: bool) -> str:
    return " and ".join([*(["values"] if measured else []), *(["totals"] if totalled else [])])


TABLES: Mapping[str, Callable[[], str]] = {
    "settings": settings_tables,
    "device classes": device_class_table,
    "families": families_table,
    "types": types_table,
    "tested modules": tested_table,
    "parameters": parameter_tables,
}


def main() -> None:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if (new := renewed(text)) != text:
            page.write_text(new, encoding="utf-8")
            print(f"renewed {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
