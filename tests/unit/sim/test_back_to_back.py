"""The agent's frames, readers, values and tables against the module's own, over every family."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.families import FAMILIES, Family, describe
from lucid2mqtt.lucid.frames import get_id, get_io, get_io_group, get_parameter, set_io, set_io_group, set_parameter
from lucid2mqtt.lucid.identity import parse_identity
from lucid2mqtt.lucid.parameters import parameters_of
from lucid2mqtt.lucid.readers import ReplyReader
from lucid2mqtt.lucid.values import ValueType, decode, decode_group, encode, width
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import COMFORTABLE, Fault, FineTemperature
from tests.unit.sim.talk import ask, prompt_module

OBSOLETE = {"inAnScanTime"}
"""Known to the agent for old modules; a module of today refuses it."""

families = pytest.mark.parametrize("family", list(FAMILIES.values()), ids=lambda family: family.name)


@families
def test_the_agent_recognises_the_module(family: Family) -> None:
    module = prompt_module(family.name, serial=0xFFFF_FFFF)
    identity = parse_identity(ask(module, get_id(), 0.0).data)
    assert identity == module.identity
    assert describe(identity) == module.type


@families
def test_every_channel_is_read_with_one_of_the_types_the_agent_prefers(family: Family) -> None:
    module = prompt_module(family.name, fine_temperature=FineTemperature.FINER)
    for channel in family.channels:
        for value_type in module.type.read_types(channel):
            request = get_io(channel, value_type)
            reply = ask(module, request, 1.0)
            assert reply.ok
            assert len(reply.data) == request.reply_length
            decode(value_type, reply.data)


@families
def test_every_block_is_read_in_one_group(family: Family) -> None:
    module = prompt_module(family.name)
    for block in family.blocks:
        value_type = module.type.read_types(block.first)[-1]
        request = get_io_group(block.channels, value_type)
        data = ask(module, request, 1.0).data_or_refusal(request)
        assert len(data) == request.reply_length
        singles = [ask(module, get_io(channel, value_type), 1.0).data for channel in block.channels]
        assert decode_group(value_type, data) == decode_group(value_type, b"".join(singles))


@families
def test_every_output_takes_what_the_agent_writes(family: Family) -> None:
    module = prompt_module(family.name)
    for block in (block for block in family.blocks if block.kind.is_output):
        value_type = module.type.write_type(block.first)
        raws = {channel: encode(value_type, 1) for channel in block.channels}
        assert ask(module, set_io_group(raws, value_type), 1.0).encode() == b"\x00\x00"
        for channel in block.channels:
            assert module.output(channel, 1.0) == pytest.approx(1.0, abs=0.01)
            assert ask(module, set_io(channel, value_type, encode(value_type, 0)), 2.0).ok


@families
def test_both_parameter_tables_name_the_same_addresses_with_the_same_width(family: Family) -> None:
    module = VirtualModule(family.name, serial=1, commissioned=True, quirks=COMFORTABLE)
    for channel in family.channels:
        memory = module._channels[channel].memory
        known = {
            parameter.address: parameter.width for parameter in parameters_of(family, channel).values() if parameter.name not in OBSOLETE
        }
        assert known == {memory.base + place: cell.width for place, cell in memory.cells.items()}


@families
def test_every_parameter_reads_back_what_the_agent_set(family: Family) -> None:
    module = prompt_module(family.name, limits_exclude_ends=False, value_parameter_acts=False)
    for channel in (block.first for block in family.blocks):
        for parameter in parameters_of(family, channel).values():
            present = ask(module, get_parameter(channel, parameter.address), 1.0).data
            if parameter.name in OBSOLETE:
                assert present == b""
                continue
            if parameter.read_only:
                refused = ask(module, set_parameter(channel, parameter.address, present), 1.0)
                assert refused.status == module.quirks.statuses[Fault.READ_ONLY]
                continue
            if parameter.bit is not None:
                data = parameter.encode("on", present)
            elif parameter.names:
                data = parameter.encode(list(parameter.names.values())[-1])
            else:
                data = present
            assert ask(module, set_parameter(channel, parameter.address, data), 1.0).ok, parameter.name
            assert ask(module, get_parameter(channel, parameter.address), 1.0).data == data, parameter.name


@given(st.sampled_from([family.name for family in FAMILIES.values()]), st.data())
def test_a_module_answers_whatever_the_agent_can_ask_with_the_length_it_expects(family: str, data: st.DataObject) -> None:
    module = prompt_module(family)
    channels = data.draw(st.sets(st.integers(0, 20), min_size=1))
    value_type = data.draw(st.sampled_from(ValueType))
    for request in (get_io_group(channels, value_type), set_io_group({c: bytes(width(value_type)) for c in channels}, value_type)):
        module.receive(request.encode(), 1.0)
        (reply,) = ReplyReader().feed(module.replies_due(1.0))
        assert reply.status or len(reply.data) == request.reply_length
