from pathlib import Path

import pytest

from lucid2mqtt.settings.files import relative_to
from lucid2mqtt.settings.findings import Finding
from lucid2mqtt.settings.review import review
from lucid2mqtt.settings.schema import Settings


def findings(*modules: dict[str, object], **rest: object) -> list[Finding]:
    with relative_to(Path("/nowhere")):
        settings = Settings.model_validate({"modules": modules, **rest})
    return list(review(settings))


def of_channel(family: str | None, channel: dict[str, object], number: int = 0) -> list[tuple[object, str]]:
    found = findings({"match": {"serial": 1}, "family": family, "channels": {number: channel}})
    return [(finding.path[-1], finding.message) for finding in found]


@pytest.mark.parametrize("name", ["Status", "diagnostics", "thermostat"])
def test_modules_may_not_take_topics_of_our_own(name: str) -> None:
    (finding,) = findings({"match": {"serial": 1}, "name": name})
    assert "a topic of our own" in finding.message


def test_names_clash_by_their_slugs_in_one_module_only() -> None:
    channels = {0: {"name": "Süd Ost"}, 1: {"name": "sued-ost"}}
    (finding,) = findings({"match": {"serial": 1}, "channels": channels}, {"match": {"serial": 2}, "channels": {0: {"name": "sued-ost"}}})
    assert finding.path == ("modules", 0, "channels", "1", "name")
    assert "'sued-ost'" in finding.message


def test_a_channel_may_not_be_called_by_another_ones_number() -> None:
    assert of_channel(None, {"name": "3"}) == [("name", "'3' is the number of another channel")]
    assert of_channel(None, {"name": "0"}) == []


def test_one_module_is_described_once() -> None:
    (by_port,) = findings({"match": {"port": "/dev/a"}}, {"match": {"port": "/dev/b"}}, {"match": {"port": "/dev/a"}})
    assert by_port.path == ("modules", 2, "match")


def test_families_are_known_in_any_capitals_and_a_near_miss_is_guessed() -> None:
    assert findings({"match": {"serial": 1}, "family": "ri4"}) == []
    (finding,) = findings({"match": {"serial": 1}, "family": "RT4"})
    assert finding.remedy == "did you mean 'RI4'?"


def test_channels_the_family_does_not_have() -> None:
    (finding,) = findings({"match": {"serial": 1}, "family": "DO4", "channels": {4: {}}})
    assert (finding.message, finding.remedy) == ("a DO4 has no channel 4", "its channels are 0 to 3")
    assert findings({"match": {"serial": 1}, "family": "DI4DO4", "channels": {7: {"exit": "off"}}}) == []
    assert findings({"match": {"serial": 1}, "channels": {15: {}}}) == []


@pytest.mark.parametrize("key", ["start", "exit", "on_broker_loss"])
def test_keys_of_outputs_are_refused_on_inputs(key: str) -> None:
    for family in ("DI4", "AI4", "RI8"):
        assert [found for found, _ in of_channel(family, {key: "hold"})] == [key]
    assert of_channel("DI4DO4", {key: "off"}, 0) != []
    assert of_channel("DI4DO4", {key: "off"}, 4) == []


def test_keys_of_inputs_and_of_other_outputs_are_refused() -> None:
    assert [key for key, _ in of_channel("DO4", {"valid_min": 1})] == ["valid_min"]
    assert sorted(str(key) for key, _ in of_channel("AO4", {"max_on_s": 1, "pulse": {"for_s": 1}})) == ["max_on_s", "pulse"]
    assert [key for key, _ in of_channel("DO4", {"minimum": 1})] == ["minimum"]
    assert of_channel("AO4", {"minimum": 1, "maximum": 2}) == []


def test_a_relay_has_no_volts_and_an_analog_output_is_not_just_on() -> None:
    assert of_channel("DO4", {"exit": 3}) == [("exit", "a digital output cannot be 3")]
    assert of_channel("AO4", {"exit": "on"}) == [("exit", "an analog output cannot be on")]
    assert of_channel("AO4", {"exit": "off", "start": 3.0}) == []


def test_limits_must_leave_room_and_declared_values_lie_inside() -> None:
    assert [key for key, _ in of_channel(None, {"minimum": 5, "maximum": 4})] == ["minimum"]
    assert [key for key, _ in of_channel(None, {"valid_min": 5, "valid_max": 4})] == ["valid_min"]
    assert [key for key, _ in of_channel(None, {"min_interval_s": 70})] == ["min_interval_s"]
    assert [key for key, _ in of_channel(None, {"minimum": 2, "maximum": 10, "exit": 0.5})] == ["exit"]
    assert of_channel(None, {"minimum": 2, "maximum": 10, "exit": 2}) == []


@pytest.mark.parametrize(
    ("family", "channel", "key"),
    [
        (None, {"device_class": "presure"}, "device_class"),
        (None, {"device_class": "pressure", "unit": "Bar"}, "unit"),
        ("AI4", {"device_class": "energy"}, "device_class"),
        ("DO4", {"device_class": "door"}, "device_class"),
        ("DI4", {"device_class": "volt"}, "device_class"),
        ("RI4", {"device_class": "temperature", "unit": "C"}, "device_class"),
    ],
)
def test_wrong_device_classes_and_units_are_refused(family: str | None, channel: dict[str, object], key: str) -> None:
    assert [found for found, _ in of_channel(family, channel)] == [key]


@pytest.mark.parametrize(
    ("family", "channel"),
    [
        (None, {"device_class": "door"}),
        (None, {"device_class": "pressure", "unit": "bar"}),
        ("DI4", {"device_class": "energy", "unit": "kWh"}),
        ("DI4", {"device_class": "window"}),
        ("AI4", {"device_class": "pressure"}),
        ("AO4", {"device_class": "voltage", "unit": "V"}),
        (None, {"unit": "pulses"}),
    ],
)
def test_right_device_classes_and_units_pass(family: str | None, channel: dict[str, object]) -> None:
    assert of_channel(family, channel) == []


def of_parameter(family: str | None, name: str, value: object, number: int = 0) -> list[Finding]:
    return findings({"match": {"serial": 1}, "family": family, "parameters": {number: {name: value}}})


def test_parameters_are_known_by_name_in_any_capitals() -> None:
    assert of_parameter("RI4", "inrtsetuptime", 50) == []
    (finding,) = of_parameter("RI4", "inRtSetupTim", 50)
    assert finding.remedy == "did you mean 'inRtSetupTime'?"
    (foreign,) = of_parameter("RI4", "outDiMode", "reflect")
    assert foreign.message == "no parameter of this channel"
    assert of_parameter(None, "outDiMode", "nonsense") == []
    assert len(of_parameter(None, "outDiMod", 1)) == 1


@pytest.mark.parametrize(
    ("family", "name", "value"),
    [
        ("DO4", "outDiMode", "fast"),
        ("RI4", "inRtSetupTime", -1),
        ("RI4", "inRtValue", 1),
        ("DO4", "outDiInverted", 2),
        ("DI4", "inDiScanTime", 1),
    ],
)
def test_parameter_values_are_judged_when_the_family_is_known(family: str, name: str, value: object) -> None:
    assert len(of_parameter(family, name, value)) == 1


def test_parameters_of_a_channel_the_family_does_not_have() -> None:
    (finding,) = of_parameter("RI4", "inRtSetupTime", 50, number=4)
    assert finding.path == ("modules", 0, "parameters", "4")


def test_certificates_without_encryption_and_files_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    plain = findings(mqtt={"url": "mqtt://b", "tls": {"ca": str(tmp_path / "ca.pem")}})
    assert [finding.path for finding in plain] == [("mqtt", "tls")]
    missing = findings(mqtt={"url": "mqtts://b", "tls": {"ca": str(tmp_path / "no.pem")}})
    assert [finding.path for finding in missing] == [("mqtt", "tls", "ca")]
    assert [finding.path for finding in findings(port_tls={"ca": str(tmp_path / "no.pem")})] == [("port_tls", "ca")]
    assert findings(mqtt={"url": "wss://b", "tls": {"ca": str(tmp_path / "ca.pem")}}) == []


def test_a_socket_path_must_fit_into_its_address() -> None:
    (finding,) = findings(console={"path": "/" + "x" * 120})
    assert finding.path == ("console", "path")
