from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.engine.options import ChannelOptions, ParameterSetting
from lucid2mqtt.errors import SettingsError, SettingsFault
from lucid2mqtt.settings import load

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str) -> Path:
        path = tmp_path / "s.yaml"
        path.write_text(text)
        return path

    return write_file


def faults_of(path: Path | None, environ: Mapping[str, str] | None = None) -> list[SettingsFault]:
    with pytest.raises(SettingsError) as refused:
        load(path, environ or {})
    return list(refused.value.faults)


def shown(path: Path | None, environ: Mapping[str, str] | None = None) -> list[str]:
    return [str(fault).removeprefix(f"{None if path is None else path.parent}/") for fault in faults_of(path, environ)]


def test_nothing_at_all_is_enough() -> None:
    settings = load(None, {"STATE_DIRECTORY": "/var/lib/x", "RUNTIME_DIRECTORY": "/run/x"})
    assert settings.mqtt.url == "mqtt://localhost:1883"
    assert settings.ports == ("auto",)
    assert settings.state_dir == Path("/var/lib/x")
    assert settings.console.path == Path("/run/x/console.sock")
    assert settings.module_options() == ()
    assert settings.client_id == f"lucid2mqtt-{settings.node}"
    assert settings.birth_topic == "homeassistant/status"


def test_everything_wrong_is_told_at_once_in_reading_order_with_place_and_remedy(write: Write) -> None:
    path = write(
        "nodee: x\n"
        "mqtt:\n"
        "  keepalive_s: abc\n"
        "  username: 12\n"
        "ports: auto\n"
        "modules:\n"
        "  - match: {serial: 1}\n"
        "    name: Boiler\n"
        "    channels:\n"
        "      0: {deadband: -1, exit: maybe, minimum: 5, maximum: 2}\n"
        "      16: {}\n"
        "  - match: {serial: 1}\n"
        "    name: boiler\n"
        "  - name: lost\n"
    )
    assert shown(path) == [
        "s.yaml:1:1: nodee: unknown key (did you mean 'node'?)",
        "s.yaml:3:3: mqtt.keepalive_s: must be a whole number, not 'abc'",
        "s.yaml:4:3: mqtt.username: must be text, not 12 (put it in quotes)",
        "s.yaml:5:1: ports: must be a list, not 'auto' (write it like \"ports: [...]\", or one entry a line with a dash)",
        "s.yaml:10:11: modules.0.channels.0.deadband: must be at least 0, not -1",
        's.yaml:10:25: modules.0.channels.0.exit: must be hold, on, off or a number (for an analog output write the value in its unit, as in "exit: 0")',
        "s.yaml:10:38: modules.0.channels.0.minimum: 5 is above maximum, 2 (swap them)",
        "s.yaml:11:7: modules.0.channels.16: '16' is no channel number (channels are numbered 0 to 15)",
        "s.yaml:12:5: modules.1.match: this module is described by modules.0 already (put both into one entry)",
        "s.yaml:13:5: modules.1.name: 'boiler' is taken: it would use the topic 'boiler', as 'Boiler' does (choose another name)",
        's.yaml:14:5: modules.2.match: is missing (write it like "match: {serial: ...}")',
    ]


def test_later_modules_keep_their_numbers_when_an_earlier_one_cannot_be_judged(write: Write) -> None:
    path = write("modules:\n  - {name: a}\n  - {match: {serial: 2}, name: status}\n")
    assert [fault.key for fault in faults_of(path)] == ["modules.0.match", "modules.1.name"]


def test_a_broken_file_is_one_fault_at_its_place(write: Write) -> None:
    (fault,) = faults_of(write("mqtt: [\n"))
    assert fault.key == "syntax"
    assert fault.place.endswith("s.yaml:2:1")


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path / "none.yaml")
    assert str(fault).endswith(
        "none.yaml: file: cannot be read: No such file or directory (name an existing file with -c, or leave -c out)"
    )


def test_the_environment_wins_over_the_file_and_is_named_when_it_is_at_fault(write: Write) -> None:
    path = write("mqtt: {url: mqtt://file, keepalive_s: 20}\n")
    settings = load(path, {"LUCID2MQTT_MQTT__URL": "mqtt://env", "LUCID2MQTT_PORTS": "/dev/a, tcp://b:1"})
    assert settings.mqtt.url == "mqtt://env"
    assert settings.mqtt.keepalive_s == 20
    assert settings.ports == ("/dev/a", "tcp://b:1")
    assert [(fault.place, fault.key) for fault in faults_of(path, {"LUCID2MQTT_MQTT__KEEPALIVE_S": "often"})] == [
        ("LUCID2MQTT_MQTT__KEEPALIVE_S", "mqtt.keepalive_s")
    ]


def test_a_misspelt_variable_is_a_fault_with_a_guess() -> None:
    assert shown(None, {"LUCID2MQTT_MQT__URL": "mqtt://x", "LUCID2MQTT_NOD": "x"}) == [
        "LUCID2MQTT_MQT__URL: mqt: unknown key (did you mean 'mqtt'?)",
        "LUCID2MQTT_NOD: nod: unknown key (did you mean 'node'?)",
    ]


def test_a_secret_is_in_no_message(write: Write) -> None:
    path = write("mqtt: {username: me, password: [hunter2]}\n")
    assert not any("hunter2" in line for line in shown(path))
    settings = load(None, {"LUCID2MQTT_MQTT__USERNAME": "me", "LUCID2MQTT_MQTT__PASSWORD": "hunter2"})
    assert "hunter2" not in repr(settings)
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == "hunter2"


def test_the_password_file_lies_beside_the_settings_and_loses_its_line_end(write: Write) -> None:
    path = write("mqtt: {username: me, password_file: pw}\n")
    assert [fault.key for fault in faults_of(path)] == ["mqtt.password_file"]
    (path.parent / "pw").write_text(" pass word \n")
    settings = load(path, {})
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == " pass word "
    assert settings.mqtt.password_file == path.parent / "pw"


@pytest.mark.parametrize(
    ("text", "key", "word"),
    [
        ("mqtt: {username: a, password: b, password_file: c}", "mqtt", "both given"),
        ("mqtt: {password: b}", "mqtt", "without a username"),
        ("mqtt: {url: 'mqtts://b', tls: {cert: c}}", "mqtt.tls", "belong together"),
        ("mqtt: {url: 'http://b'}", "mqtt.url", "no broker address"),
        ("mqtt: {base_topic: 'a/#'}", "mqtt.base_topic", "character"),
        ("mqtt: {keepalive_s: 2}", "mqtt.keepalive_s", "at least 5"),
        ("mqtt: {protocol: 4}", "mqtt.protocol", "must be 'auto', '5' or '3.1.1'"),
        ("home_assistant: {enabled: maybe}", "home_assistant.enabled", "true or false"),
        ("home_assistant: {prefix: ''}", "home_assistant.prefix", "topics"),
        ("ports: [~, auto]", "ports.0", "must be text"),
        ("modules: [~]", "modules.0.match", "is missing"),
        ("usb_ids: []", "usb_ids", "at least 1"),
        ("usb_ids: ['16D0']", "usb_ids.0", "no USB id"),
        ("scan_s: 0", "scan_s", "more than 0"),
        ("node: '?'", "node", "no letter or digit"),
        ("state_dir: [x]", "state_dir", "path of a file"),
        ("modules: {a: 1}", "modules", "must be a list"),
        ("modules: [{match: {serial: 1, port: /dev/x}}]", "modules.0.match", "either serial or port"),
        ("modules: [{match: {serial: -1}}]", "modules.0.match.serial", "at least 0"),
        ("modules: [{match: {serial: 1}, channels: {0: {scale: 0}}}]", "modules.0.channels.0.scale", "must not be 0"),
        ("modules: [{match: {serial: 1}, channels: {flow: {}}}]", "modules.0.channels.flow", "no channel number"),
        ("modules: [{match: {serial: 1}, channels: {0: {pulse: {}}}}]", "modules.0.channels.0.pulse.for_s", "is missing"),
        ("modules: [{match: {serial: 1}, poll_s: .inf}]", "modules.0.poll_s", "finite"),
        ("modules: [{match: {serial: 1}, parameters: {0: {inDiMode: [1]}}}]", "modules.0.parameters.0.inDiMode.value", "a number, a word"),
    ],
)
def test_each_rule_of_the_schema_names_its_key(write: Write, text: str, key: str, word: str) -> None:
    (fault,) = faults_of(write(text))
    assert fault.key == key
    assert word in fault.message


def test_a_section_left_empty_is_empty_but_a_value_left_empty_is_a_fault(write: Write) -> None:
    assert load(write("mqtt:\nmodules:\n"), {}).module_options() == ()
    options = load(write("modules: [{match: {serial: 1}, channels: {3: , 4: {}}}]"), {}).module_options()
    assert options[0].channels == {3: ChannelOptions(), 4: ChannelOptions()}
    assert shown(write("modules: [{match: {serial: 1}, channels: {0: {max_on_s: , exit: }}}]")) == [
        "s.yaml:1:47: modules.0.channels.0.max_on_s: is empty (write a value or leave the key out)",
        "s.yaml:1:59: modules.0.channels.0.exit: is empty (write a value or leave the key out)",
    ]


def test_a_version_may_be_written_as_a_number(write: Write) -> None:
    assert load(write("mqtt: {protocol: 5}"), {}).mqtt.protocol == "5"
    assert load(write("mqtt: {protocol: 3.1.1}"), {}).mqtt.protocol == "3.1.1"


def test_the_command_line_wins_over_all_and_is_named(write: Write) -> None:
    path = write("ports: [/dev/a]\n")
    environ = {"LUCID2MQTT_PORTS": "/dev/b"}
    assert load(path, environ, overrides={"ports": (["/dev/c"], "--port")}).ports == ("/dev/c",)
    with pytest.raises(SettingsError) as refused:
        load(path, environ, overrides={"ports": (["COM4"], "--port")})
    assert refused.value.faults[0].place == "--port"


def test_modules_become_the_engines_options(write: Write) -> None:
    path = write(
        "modules:\n"
        "  - match: {serial: 4711}\n"
        "    name: Heaters\n"
        "    poll_s: 2\n"
        "    activate: false\n"
        "    channels:\n"
        "      0: {name: Living, start: off, exit: 'off', on_broker_loss: hold, max_on_s: 7200, pulse: {for_s: 2}}\n"
        "      2: {scale: 0.5, offset: -1, decimals: 1, unit: bar, device_class: pressure, valid_min: 0, valid_max: 6, deadband: 0.1}\n"
        "    parameters:\n"
        "      0: {outDiMode: onOff, outDiInverted: true, outDiOnHold: {value: 50000, persistent: true}}\n"
        "  - match: {port: tcp://pi:4001}\n"
        "    channels: {1: {exit: 4.5, enabled: false}}\n"
    )
    heaters, remote = load(path, {}).module_options()
    assert (heaters.serial, heaters.port, heaters.name, heaters.poll_s, heaters.activate) == (4711, None, "Heaters", 2.0, False)
    assert heaters.channels[0] == ChannelOptions(name="Living", start=False, exit=False, max_on_s=7200.0, pulse_s=2.0)
    assert heaters.channels[2] == ChannelOptions(
        scale=0.5, offset=-1.0, decimals=1, unit="bar", device_class="pressure", valid_min=0.0, valid_max=6.0, deadband=0.1
    )
    assert heaters.parameters[0] == {
        "outDiMode": ParameterSetting("onOff"),
        "outDiInverted": ParameterSetting(True),
        "outDiOnHold": ParameterSetting(50000, persistent=True),
    }
    assert (remote.serial, remote.port, remote.name) == (None, "tcp://pi:4001", None)
    assert remote.channels[1] == ChannelOptions(exit=4.5, enabled=False)


def test_warnings_come_with_their_places_in_reading_order_and_keep_nobody_from_running(write: Write) -> None:
    settings = load(
        write(
            "passthrough:\n"
            "  - {listen: tcp://127.0.0.1:4001, module: Boilr}\n"
            "  - {listen: tcp://127.0.0.1:4002, module: ri4-1}\n"
            "  - {listen: tcp://127.0.0.1:4003, port: /dev/ttyS0, mode: exclusive, access: all}\n"
            "modules: [{match: {serial: 2}, name: Boiler}]\n"
            "ports: [auto, /dev/ttyS0]\n"
        ),
        {},
    )
    assert [str(warning).rpartition("/s.yaml:")[2] for warning in settings.warnings if warning.key.endswith("module")] == [
        "2:36: warning: passthrough.0.module: no module is called 'boilr' (did you mean 'boiler'?)"
    ]
    (second,) = settings.warnings[1:]
    assert second.place.endswith("s.yaml:4:36")
    assert second.message.startswith("/dev/ttyS0 is in ports too")
    assert load(write("modules: [{match: {serial: 2}, name: Boiler}]"), {}).warnings == ()


def test_a_default_name_of_a_renamed_module_is_doubtful_for_a_listener(write: Write) -> None:
    (warning,) = load(
        write("modules: [{match: {serial: 2}, name: B}]\npassthrough: [{listen: tcp://127.0.0.1:1, module: ri4-2}]"), {}
    ).warnings
    assert warning.remedy == "write 'b'"


def test_faults_come_without_warnings_and_what_follows_from_one_is_not_told_twice(write: Write) -> None:
    path = write("thermostats: [{name: a, sensors: [x], heater: [do4-1/0, y]}]\nnode: a\nnod: b\n")
    assert [fault.key for fault in faults_of(path)] == ["thermostats.0.sensors.0.channel", "thermostats.0.heater.1", "nod"]


def test_entries_after_one_that_cannot_be_judged_keep_their_numbers(write: Write) -> None:
    path = write("thermostats:\n  - {sensors: [x]}\n  - {name: a, sensors: [y, ri4-1/9], heater: do4-1/0}\n")
    assert [(fault.place.partition("s.yaml:")[2], fault.key) for fault in faults_of(path)] == [
        ("2:5", "thermostats.0.name"),
        ("2:16", "thermostats.0.sensors.0.channel"),
        ("3:25", "thermostats.1.sensors.0.channel"),
        ("3:28", "thermostats.1.sensors.1"),
    ]


_WORDS = st.sampled_from(
    ["mqtt", "url", "modules", "match", "serial", "channels", "0", "exit", "off", "name", "x", "ports", "auto", "1", "", "~"]
)
_TREES = st.recursive(
    _WORDS | st.integers() | st.booleans() | st.none() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(values=_TREES)
def test_any_values_are_settings_or_faults_and_never_a_trace(values: object) -> None:
    faults: tuple[SettingsFault, ...] = (SettingsFault("--none", "", ""),)
    try:
        load(None, {}, overrides={"modules": (values, "--modules"), "mqtt": (values, "--mqtt"), "ports": (values, "--ports")})
    except SettingsError as refused:
        faults = refused.faults
    assert faults
    assert all(fault.place.startswith("--") for fault in faults)
