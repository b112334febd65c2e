import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.faults import AnyFault, Silence
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.ports import PluggedModule
from lucid2mqtt.sim.remote import answer, serve_remote
from tests.unit.sim.talk import prompt_module, read, write


class Bench:
    """Modules without any wire."""

    def __init__(self, *modules: VirtualModule) -> None:
        self.modules = {module.name: module for module in modules}
        self.faults: list[tuple[str, AnyFault]] = []

    def module(self, name: str) -> VirtualModule:
        if name not in self.modules:
            raise ValueError(f"no module {name!r}")
        return self.modules[name]

    def plugged(self) -> tuple[PluggedModule, ...]:
        return tuple(PluggedModule(name, module.family.name, 7, "somewhere") for name, module in self.modules.items())

    def inject(self, name: str, fault: AnyFault) -> None:
        self.faults.append((self.module(name).name, fault))


def told(bench: Bench, document: object, now: float = 10.0) -> dict[str, Any]:
    return answer(bench, json.dumps(document).encode(), now)


def test_faults_are_injected_by_name() -> None:
    bench = Bench(prompt_module("RI4"))
    assert told(bench, {"module": "ri4-7", "fault": "silence", "for_s": 5}) == {"ok": True, "now": 10.0}
    assert bench.faults == [("ri4-7", Silence(for_s=5))]


def test_modules_are_listed() -> None:
    listed = told(Bench(prompt_module("RI4")), {"show": "modules"})
    assert listed["modules"] == [{"name": "ri4-7", "family": "RI4", "serial": 7, "port": "somewhere"}]


def test_journal_and_outputs_are_shown() -> None:
    module = prompt_module("DO4")
    write(module, 1, 1, 3.0)
    bench = Bench(module)
    assert told(bench, {"module": "do4-7", "show": "outputs"})["outputs"] == {"0": False, "1": True, "2": False, "3": False}
    notes = told(bench, {"module": "do4-7", "show": "journal", "since": 1, "kinds": ["output"]})["notes"]
    assert notes == [{"at": 3.0, "kind": "output", "channel": 1, "state": True}]
    everything = told(bench, {"module": "do4-7", "show": "journal"})["notes"]
    assert [note["kind"] for note in everything] == ["power", "request", "output", "reply"]


@pytest.mark.parametrize(("signal", "shown"), [(21.5, 21.5), ("open", 180.0), ("shorted", -180.0), (3, 3.0)])
def test_terminals_are_driven(signal: float | str, shown: float) -> None:
    module = prompt_module("RI4", temperature_noise_c=0.0)
    assert told(Bench(module), {"module": "ri4-7", "drive": 0, "signal": signal})["ok"]
    assert read(module, 0, ValueType.TMS2, 20.0) == shown


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ([], "not understood"),
        ({"show": "everything"}, "not understood"),
        ({"module": "ri4-8", "fault": "healthy"}, "no module"),
        ({"module": "ri4-7", "fault": "fire"}, "there are"),
        ({"module": "ri4-7", "drive": 0, "signal": "broken"}, "broken"),
        ({"module": "ri4-7", "drive": 0, "signal": [1]}, "no signal"),
        ({"module": "ri4-7", "drive": 0, "signal": float("nan")}, "no signal"),
        ({"module": "ri4-7", "drive": 0, "signal": 10**400}, "no signal"),
        ({"module": "di4-7", "drive": 0, "signal": "open"}, "only a temperature input"),
        ({"module": "ri4-7", "drive": 9, "signal": 1}, "no input"),
        ({"module": "ri4-7", "show": "journal", "kinds": ["gossip"]}, "gossip"),
        ({"module": "ri4-7", "show": "journal", "kinds": 5}, "kinds"),
        ({"module": "ri4-7", "show": "journal", "since": []}, "since"),
    ],
)
def test_what_is_not_understood_is_told(document: object, error: str) -> None:
    told_so = told(Bench(prompt_module("RI4"), prompt_module("DI4")), document)
    assert told_so["ok"] is False
    assert error in told_so["error"]


def test_what_is_no_json_is_told_with_an_example() -> None:
    told_so = answer(Bench(), b"unplug\n", 0.0)
    assert str(told_so["error"]).startswith("no JSON: ")
    assert str(told_so["error"]).endswith('write it like {"show": "modules"}')


@given(st.binary(max_size=200))
def test_no_line_can_bring_the_bench_down(line: bytes) -> None:
    assert answer(Bench(), line, 0.0)["ok"] is False


async def test_lines_come_and_go_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.touch()
    server = await serve_remote(Bench(prompt_module("RI4")), path)
    reader, writer = await asyncio.open_unix_connection(path)
    for line, ok in ((b'{"show": "modules"}\n', True), (b"nonsense\n", False)):
        writer.write(line)
        assert json.loads(await reader.readline())["ok"] is ok
    writer.close()
    server.close()


async def test_a_line_without_end_closes_the_conversation_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    server = await serve_remote(Bench(), path)
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"x" * 200_000)
    assert await reader.read() == b""
    writer.close()
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b'{"show": "modules"}\n')
    assert json.loads(await reader.readline())["modules"] == []
    writer.close()
    server.close()
