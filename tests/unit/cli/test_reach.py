import json
from argparse import Namespace
from pathlib import Path

import pytest

from lucid2mqtt.cli import reach
from lucid2mqtt.cli.main import main
from lucid2mqtt.cli.reach import agents_console, parse_port, same_port
from lucid2mqtt.errors import LinkLost, Reason, RequestRejected
from lucid2mqtt.port.address import SerialAddress, TcpAddress, TlsAddress
from tests.unit.cli.virtual import bench_of, console_of, port_of

PUMP = {"number": 0, "name": "pump", "label": "Pump", "kind": "digital output", "signal": "state", "output": True, "unit": ""}


class Agent:
    """What a running agent answers about one module."""

    def __init__(self, port: str) -> None:
        self.module = {"name": "heaters", "label": "Heaters", "serial": 4711, "port": port, "channels": [PUMP], "online": True}
        self.requests: list[dict[str, object]] = []

    async def modules(self, request: dict[str, object]) -> object:
        return [{"name": "lost", "online": False, "port": None, "detail": ""}, self.module]

    async def read(self, request: dict[str, object]) -> object:
        self.requests.append(request)
        return [self._reading(value=True)]

    async def write(self, request: dict[str, object]) -> object:
        self.requests.append(request)
        if request["value"] is True:
            raise RequestRejected(Reason.CLAIMED, "heaters/pump belongs to thermostat living", "change its set-point instead")
        return {"text": "heaters/pump: ON -> OFF by console", "reading": self._reading(value=False)}

    def _reading(self, *, value: bool) -> dict[str, object]:
        return {"module": "heaters", "channel": 0, "name": "pump", "label": "Pump", "value": value, "unit": "", "quality": "good"} | {
            "decimals": None,
            "reason": "",
            "taken_at": "2026-01-01T12:00:00+00:00",
        }

    def verbs(self) -> dict[str, object]:
        return {"modules": self.modules, "read": self.read, "write": self.write}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("serial:591921152", 591921152),
        ("/dev/ttyACM0", SerialAddress("/dev/ttyACM0")),
        ("tcp://pi:4001", TcpAddress("pi", 4001)),
        ("tls://pi:4002", TlsAddress("pi", 4002)),
    ],
)
def test_a_port_is_named_in_four_ways(text: str, meant: object) -> None:
    assert parse_port(text) == meant


@pytest.mark.parametrize("text", ["", "serial:", "serial:-1", "serial:x", "serial:²", "ttyACM0", "udp://pi:1", "tcp://pi"])
def test_what_names_no_port_is_refused(text: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        parse_port(text)
    assert refused.value.reason is Reason.NOT_UNDERSTOOD


def test_two_paths_to_one_device_are_one_port(tmp_path: Path) -> None:
    (tmp_path / "device").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "device")
    assert same_port(str(tmp_path / "link"), str(tmp_path / "device"))
    assert not same_port("tcp://a:1", "tcp://a:2")
    assert same_port("tcp://a:1", "tcp://a:1")


@pytest.mark.parametrize("by", ["serial:4711", "/dev/agents-own", "link"])
def test_a_port_of_the_agent_is_reached_through_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], by: str) -> None:
    if by == "link":
        (tmp_path / "link").symlink_to("/dev/agents-own")
        by = str(tmp_path / "link")
    agent = Agent("/dev/agents-own")
    with console_of(tmp_path / "c", agent.verbs()):  # type: ignore[arg-type]  # plain dictionaries are enough for a stand-in
        console = ["--console", str(tmp_path / "c")]
        assert main(["read", by, "pump", *console]) == 0
        assert capsys.readouterr().out.split() == ["heaters", "0", "Pump", "ON"]
        assert main(["write", by, "0=off", *console]) == 0
        assert capsys.readouterr().out == "heaters/pump: ON -> OFF by console\n"
    assert [(request["verb"], request["module"]) for request in agent.requests] == [("read", "heaters"), ("write", "heaters")]


def test_what_the_agent_refuses_is_refused_here_with_reason_and_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with console_of(tmp_path / "c", Agent("/dev/x").verbs()):  # type: ignore[arg-type]  # as above
        assert main(["write", "serial:4711", "0=on", "--console", str(tmp_path / "c")]) == 1
    assert capsys.readouterr().err == "lucid2mqtt: heaters/pump belongs to thermostat living (change its set-point instead)\n"


def test_another_port_is_reached_directly_beside_the_agent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path / "bench", "DO4"), console_of(tmp_path / "c", Agent("/dev/x").verbs()):  # type: ignore[arg-type]  # as above
        port = port_of(tmp_path / "bench", "DO4")
        assert main(["read", port, "0", "--json", "--console", str(tmp_path / "c")]) == 0
    assert json.loads(capsys.readouterr().out)[0]["module"] == "do4-700001"


def test_the_console_is_named_by_option_or_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with console_of(tmp_path / "c", Agent("/dev/x").verbs()):  # type: ignore[arg-type]  # as above
        monkeypatch.setenv("LUCID2MQTT_CONSOLE__PATH", str(tmp_path / "c"))
        client = agents_console(Namespace(console=None))
        assert client is not None
        client.close()
        assert agents_console(Namespace(console=tmp_path / "other")) is None


def test_a_named_console_that_cannot_be_used_is_said_and_a_guessed_one_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "console.sock").mkdir()
    with pytest.raises(LinkLost):
        agents_console(Namespace(console=Path("/" + "x" * 200)))
    monkeypatch.delenv("LUCID2MQTT_CONSOLE__PATH", raising=False)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(reach, "SERVICE_CONSOLE", tmp_path / "none")
    assert agents_console(Namespace(console=None)) is None


@pytest.mark.parametrize("words", [("thermostat", "list"), ("clients",), ("trace", "1"), ("forget", "heaters")], ids=" ".join)
def test_a_verb_that_needs_the_agent_says_where_it_looked(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LUCID2MQTT_CONSOLE__PATH", raising=False)
    monkeypatch.setattr(reach, "console_path", lambda: tmp_path / "usual")
    monkeypatch.setattr(reach, "SERVICE_CONSOLE", tmp_path / "service")
    assert main([*words]) == 3
    assert "name the socket of one that runs with --console" in capsys.readouterr().err
    assert main([*words, "--console", str(tmp_path / "mine")]) == 3
    assert f"no agent listens at {tmp_path / 'mine'}" in capsys.readouterr().err


def test_a_bare_serial_number_is_recognised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "591921152", "--console", str(tmp_path / "none")]) == 1
    assert "did you mean serial:591921152?" in capsys.readouterr().err
