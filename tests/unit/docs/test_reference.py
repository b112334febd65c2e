"""The reference pages name everything the program has, with the program's own words."""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.main import VERBS, _parser
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.orders import Incident
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.mqtt import payloads
from lucid2mqtt.mqtt.discovery import HUB_KEYS
from lucid2mqtt.mqtt.thermostat_payloads import Setting, thermostat_state
from lucid2mqtt.mqtt.topics import Topics, thermostat_ref
from lucid2mqtt.port.counters import PortCounters
from lucid2mqtt.port.supervisor import PortState
from lucid2mqtt.sim.faults import _NAMES as FAULTS
from lucid2mqtt.sim.faults import _OPTIONS as FAULT_OPTIONS
from lucid2mqtt.sim.journal import Kind
from lucid2mqtt.sim.worlds import WORLDS
from tests.unit.docs.pages import HOW_TO, REFERENCE, ROOT, blocks, pages
from tests.unit.mqtt.climate import SIMPLE as SIMPLE_THERMOSTAT
from tests.unit.mqtt.climate import state as climate_state

TOPICS_PAGE = (REFERENCE / "topics.md").read_text(encoding="utf-8")
COMMAND_LINE = (REFERENCE / "command-line.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
WITHOUT_HARDWARE = (HOW_TO / "without-hardware.md").read_text(encoding="utf-8")
AGENT = ROOT / "agent" / "lucid2mqtt"
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
REF = ChannelRef("MODULE", "CHANNEL")


def _rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    after = text.split(f"# {heading}\n", 1)[1]
    lines = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert lines is not None
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[0].splitlines()[2:]]


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_meaning_and_a_remedy(reason: Reason) -> None:
    row = next(row for row in _rows(TOPICS_PAGE, "Reasons") if row[0] == f"`{reason}`")
    assert len(row) == 3
    assert all(len(cell) > 5 for cell in row)


def test_no_reason_is_invented() -> None:
    assert {row[0].strip("`") for row in _rows(TOPICS_PAGE, "Reasons")} == set(Reason)


@pytest.mark.parametrize("quality", Quality)
def test_every_quality_is_explained(quality: Quality) -> None:
    assert f"`{quality}`" in [row[0] for row in _rows(TOPICS_PAGE, "Attributes")]


def _own_topics() -> dict[str, str]:
    topics = Topics("lucid2mqtt", "node")
    with_ref = (topics.state, topics.channel_status, topics.attributes, topics.command, topics.error, topics.event)
    absolute = [topics.status, topics.module_status("MODULE"), topics.diagnostics, topics.rescan, *(make(REF) for make in with_ref)]
    absolute += [f"{topics.root}/MODULE/get", f"{topics.root}/MODULE/CHANNEL/get"]
    return {topic.removeprefix(f"{topics.root}/"): topic for topic in absolute}


@pytest.mark.parametrize("topic", _own_topics())
def test_every_topic_has_a_row(topic: str) -> None:
    assert f"| `{topic}`" in TOPICS_PAGE
    if topic != "diagnostics/rescan/set":
        assert f"`{topic}`" in README


def test_the_subscriptions_are_those_of_the_page() -> None:
    topics = Topics("b", "n")
    taken = [f"b/n/{row[0].strip('`')}" for row in _rows(TOPICS_PAGE, "What the agent takes")]
    filters = set(topics.subscriptions()) - {topics.birth}
    hit = [[each for each in filters if _covers(each, topic)] for topic in taken]
    assert all(len(covering) == 1 for covering in hit), "what is not subscribed cannot be taken"
    assert {covering[0] for covering in hit} == filters


def _covers(wanted: str, topic: str) -> bool:
    return re.fullmatch(re.escape(wanted).replace(r"\+", "[^/]+"), topic) is not None


def test_every_topic_of_a_thermostat_has_a_row_and_its_document_is_the_real_one() -> None:
    ref = thermostat_ref("NAME")
    topics = Topics("b", "n")
    own = [topics.state(ref), topics.channel_status(ref), topics.error(ref), *(topics.thermostat_command("NAME", what) for what in Setting)]
    assert not [topic for topic in own if f"| `{topic.removeprefix('b/n/')}` |" not in TOPICS_PAGE]
    (example,) = [json.loads(block.text) for block in blocks("json") if "days_left" in block.text]
    told = json.loads(thermostat_state(climate_state(), SIMPLE_THERMOSTAT))
    assert example.keys() == told.keys()
    explained = {word for row in _rows(TOPICS_PAGE, "Thermostats") for word in re.findall(r"`(\w+)(?:\.\.\.)?`", row[0])}
    assert not [key for key in told if not any(key == word or (word.endswith("_") and key.startswith(word)) for word in explained)]


def _shape(text: str) -> set[str]:
    return set(json.loads(text))


def test_json_examples_have_the_keys_of_the_real_payloads() -> None:
    rejected = RequestRejected(Reason.BUSY, "m", "r")
    reading = Reading(channel=REF, value=1.0, unit="V", quality=Quality.GOOD, taken_at=NOW)
    real = [
        payloads.attributes(reading),
        payloads.edge_event(1),
        payloads.outcome("ON"),
        payloads.rejection(rejected),
        payloads.refusal(rejected, b"x", NOW),
        payloads.incident(Incident(channel=REF, what="max_on_s", reason=None, message="m"), NOW),
    ]
    shown = [_shape(block.text) for block in blocks("json") if block.page == REFERENCE / "topics.md"]
    assert all(_shape(text) in shown for text in real)


def test_the_diagnostics_example_has_the_real_keys() -> None:
    (example,) = [json.loads(block.text) for block in blocks("json") if "uptime_s" in block.text]
    assert set(HUB_KEYS) <= set(example)
    (port,) = example["ports"].values()
    assert set(port) == {"state", "detail", *(field.name for field in fields(PortCounters))}
    app = (AGENT / "app.py").read_text(encoding="utf-8") + (AGENT / "mqtt" / "bridge.py").read_text(encoding="utf-8")
    assert all(f'"{key}"' in app for key in [*example, *example["mqtt"], "serial", "online", "detail"])
    assert all(f"`{state}`" in TOPICS_PAGE for state in PortState)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_stands_in_its_section(verb: str) -> None:
    section = re.split(r"^##+ ", COMMAND_LINE.split(f"### {verb}\n", 1)[1], flags=re.MULTILINE)[0]
    parser = _parser([verb])
    (verbs,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    options = list(_options(verbs.choices[verb]))
    assert not [option for option in options if option not in section]
    invented = set(re.findall(r"^\| `(-.*?)[ `]", section, re.MULTILINE)) - set(options)
    assert not invented


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Of a verb and of the verbs below it."""
    for action in parser._actions:
        yield from (option for option in action.option_strings if option not in ("-h", "--help"))
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _options(below)


def test_no_verb_is_invented() -> None:
    assert set(re.findall(r"^### ([\w-]+)$", COMMAND_LINE, re.MULTILINE)) == set(VERBS)


def test_every_exit_code_is_explained() -> None:
    assert {int(row[0]) for row in _rows(COMMAND_LINE, "Exit codes")} == set(Exit)


def test_the_virtual_modules_are_explained() -> None:
    faults = _rows(WITHOUT_HARDWARE, "Faults")
    assert {row[0].strip("`") for row in faults} == set(FAULTS)
    for row in faults:
        options = {field.name for field in fields(FAULTS[row[0].strip("`")])}
        assert set(re.findall(r"`(\w+)`", row[1])) & set(FAULT_OPTIONS) == options
    assert [row[0].strip("`") for row in _rows(WITHOUT_HARDWARE, "Worlds")][:3] == list(WORLDS)
    assert all(f"`{kind}`" in WITHOUT_HARDWARE for kind in Kind)


_SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in AGENT.rglob("*.py"))
_TROUBLE = {"you see", "the log says"}


def _quoted_messages() -> list[tuple[str, str]]:
    """What pages say the program says: the first cells of tables about trouble, where they are quoted."""
    found = []
    for page in pages():
        for table in re.findall(r"(?:^ *\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
            heading, _, *rows = [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in table.splitlines()]
            if heading[0] in _TROUBLE:
                found += [(page.name, text.strip(". ")) for row in rows for text in re.findall(r"`([^`]+ [^`]+)`", row[0])]
    return found


@pytest.mark.parametrize(("page", "message"), _quoted_messages())
def test_quoted_messages_are_what_the_program_says(page: str, message: str) -> None:
    if message == "Connection refused":  # the system's own words
        return
    pieces = [piece for piece in re.split(r"\s*\.\.\.\s*|\bsocat \(pid \d+\)|\(Not authorized\)", message) if piece.strip()]
    assert pieces
    assert all(piece.strip() in _SOURCES for piece in pieces), f"{page}: {message}"


def test_messages_are_found() -> None:
    assert len(_quoted_messages()) > 8


def _rooms_in_use() -> set[str]:
    """First levels of the packages that the agent or one of its verbs import."""
    files = [AGENT / "app.py", *(AGENT / "cli" / f"{verb.module}.py" for verb in VERBS.values())]
    modules = [
        node.module for file in files for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom) and node.module
    ]
    rooms = {module.split(".")[1] for module in modules if module.startswith("lucid2mqtt.")}
    return {room for room in rooms if (AGENT / room).is_dir()}


def test_the_architecture_names_every_room_in_use() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert not [room for room in _rooms_in_use() if f"| `{room}/` |" not in page]


def test_the_architecture_names_only_what_there_is() -> None:
    page = re.sub(r"```.*?```", "", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    for quoted in re.findall(r"`([^`\s]+)`", page):
        if quoted.endswith((".py", "/")) and "/" in quoted.rstrip("/"):
            assert (AGENT / quoted).exists() or (ROOT / quoted).exists(), quoted
        elif re.fullmatch(r"[A-Z]?\w+\.\w+|[A-Z][a-z]\w+", quoted) and not Path(quoted).suffix.startswith((".md", ".toml", ".yaml")):
            assert all(
                re.search(rf"\b{re.escape(name)}\b", _SOURCES) for name in quoted.removesuffix(".json").removesuffix(".py").split(".")
            ), quoted
