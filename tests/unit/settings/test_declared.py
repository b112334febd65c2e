import pytest

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.settings.declared import Declared, Known
from lucid2mqtt.settings.modules import ModuleSettings


def declared(*modules: dict[str, object]) -> Declared:
    return Declared([ModuleSettings.model_validate(module) for module in modules])


HOUSE = declared(
    {"match": {"port": "/dev/a"}},
    {
        "match": {"serial": 7},
        "name": "Boiler",
        "family": "RI4",
        "poll_s": 3,
        "channels": {2: {"name": "Flow", "poll_s": 2}},
        "parameters": {2: {"a": 1}},
    },
    {"match": {"serial": 8}, "family": "DO4"},
    {"match": {"serial": 9}},
)


def test_everything_that_is_said_about_a_channel_is_known() -> None:
    known = HOUSE.channel(ChannelRef("boiler", "flow"))
    assert (known.path, known.number, known.channel.name, known.poll_s) == (("modules", 1), 2, "Flow", 2)
    assert (known.kind, known.doubt, list(known.parameters)) == (ChannelKind.TEMPERATURE, None, ["a"])


def test_a_channel_nobody_described_has_the_defaults_of_its_module() -> None:
    known = HOUSE.channel(ChannelRef("boiler", "0"))
    assert (known.path, known.number, known.channel.name, known.poll_s, known.doubt) == (("modules", 1), 0, None, 3, None)


@pytest.mark.parametrize(("name", "kind"), [("do4-8", ChannelKind.DIGITAL_OUTPUT), ("ri4-9", ChannelKind.TEMPERATURE)])
def test_default_names_of_declared_modules_are_not_doubtful(name: str, kind: ChannelKind) -> None:
    known = HOUSE.channel(ChannelRef(name, "1"))
    assert (known.kind, known.doubt) == (kind, None)
    assert known.path


def test_a_default_name_nobody_declared_is_possible() -> None:
    known = HOUSE.channel(ChannelRef("ri4-10", "1"))
    assert known.doubt is not None
    assert known.doubt.is_warning
    assert "serial: 10" in known.doubt.remedy
    assert (known.path, known.kind, known.poll_s) == ((), ChannelKind.TEMPERATURE, 1.0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ri4-7", "the module with serial number 7 is called 'boiler'"),
        ("do8-8", "the module with serial number 8 is called 'do4-8'"),
        ("boler", "no module"),
    ],
)
def test_a_name_no_module_can_have_is_a_fault(name: str, message: str) -> None:
    _, doubt = HOUSE.module(name)
    assert doubt is not None
    assert doubt.message.startswith(message)
    assert not doubt.is_warning
    assert HOUSE.channel(ChannelRef(name, "0")) == Known(doubt=doubt)


def test_without_any_module_the_remedy_is_to_name_one() -> None:
    _, doubt = declared().module("boiler")
    assert doubt is not None
    assert doubt.remedy == "name it under modules"


@pytest.mark.parametrize("channel", ["00", "02", "100", "flaw"])
def test_numbers_are_written_plainly(channel: str) -> None:
    assert HOUSE.channel(ChannelRef("boiler", channel)).doubt is not None
