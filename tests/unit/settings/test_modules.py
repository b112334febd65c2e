from dataclasses import fields

from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.settings.modules import ChannelSettings, ModuleSettings


def test_the_defaults_are_those_of_the_engine() -> None:
    assert ChannelSettings().options() == ChannelOptions()
    assert ModuleSettings.model_validate({"match": {"serial": 1}}).options() == ModuleOptions(serial=1, channels={}, parameters={})


def test_everything_the_engine_can_be_told_has_a_key() -> None:
    assert {field.name for field in fields(ChannelOptions)} == ChannelSettings.model_fields.keys() - {"pulse"} | {"pulse_s"}
    assert {field.name for field in fields(ModuleOptions)} == ModuleSettings.model_fields.keys() - {"match", "family"} | {"serial", "port"}


def test_a_parameter_is_written_short_or_long() -> None:
    module = ModuleSettings.model_validate(
        {"match": {"serial": 1}, "parameters": {0: {"a": 5, "b": {"value": "on", "persistent": True}, "c": 0.5}}}
    )
    named = module.options().parameters[0]
    assert (named["a"].value, named["a"].persistent) == (5, False)
    assert (named["b"].value, named["b"].persistent) == ("on", True)
    assert named["c"].value == 0.5
