from collections.abc import Callable

import pytest

from lucid2mqtt.cli.direct import DirectModule
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.engine.orders import Toggle
from lucid2mqtt.errors import DeviceRefused, Reason, ReplyTimeout, RequestRejected
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.families import UnknownFamily
from lucid2mqtt.lucid.frames import Opcode, Reply, Request
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.parameters import InputMode
from lucid2mqtt.lucid.readers import ReplyReader
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.module import VirtualModule

Override = Callable[[Request], Reply | None]


class Line:
    """A transactor that asks a virtual module, unless the test has another answer."""

    def __init__(self, module: VirtualModule, override: Override = lambda _: None) -> None:
        self.module = module
        self.override = override
        self.requests: list[Request] = []

    async def transact(self, request: Request, *, turn: Turn, client: str, deadline: float | None = None) -> Reply:
        self.requests.append(request)
        answer = self.override(request)
        if answer is not None:
            return answer
        now = float(len(self.requests))
        self.module.receive(request.encode(), now)
        (reply,) = ReplyReader().feed(self.module.replies_due(now + 0.9))
        return reply

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.is_write]


async def look_at(family: str, override: Override = lambda _: None, options: ModuleOptions | None = None) -> tuple[DirectModule, Line]:
    module = VirtualModule(family, serial=7, commissioned=True)
    line = Line(module, override)
    return await DirectModule.look_at(module.identity, line, "/dev/x", options), line


@pytest.mark.parametrize("family", ["DI4", "DI8", "DI16", "AI4", "AI8", "RI4", "RI8", "DO4", "DO6", "DO8", "DO16", "AO4", "AO8", "DI4DO4"])
async def test_looking_at_a_module_and_reading_it_writes_nothing(family: str) -> None:
    module, line = await look_at(family)
    numbers = [channel["number"] for channel in module.document["channels"]]
    readings = await module.read(numbers)
    assert [reading["channel"] for reading in readings] == numbers
    assert line.writes == []


async def test_a_counter_shows_what_the_module_itself_counts() -> None:
    def counting(request: Request) -> Reply | None:
        if request.opcode == Opcode.GET_PARAM and request.data[:2] == b"\x00\x11":
            return Reply(0, bytes((InputMode.COUNT,)))
        if request.opcode == Opcode.GET_PARAM and request.data[:2] == b"\x01\x11":
            return Reply(0, b"\x01")
        return Reply(0, (1234).to_bytes(2, "little")) if request.opcode == Opcode.GET_IO else None

    module, _ = await look_at("DI4", counting)
    (reading,) = await module.read([2])
    assert (reading["value"], reading["quality"]) == (1234, "good")


async def test_the_second_value_type_is_tried_when_the_first_is_refused() -> None:
    def old(request: Request) -> Reply | None:
        return Reply(0xB4) if request.opcode == Opcode.GET_IO and request.option == ValueType.VOS4 else None

    module, _ = await look_at("AI4", old)
    (reading,) = await module.read([0])
    assert reading["quality"] == "good"


async def test_a_channel_that_is_refused_says_so() -> None:
    module, _ = await look_at("DO4", lambda request: Reply(0xD0) if request.opcode == Opcode.GET_IO else None)
    (reading,) = await module.read([0])
    assert (reading["value"], reading["quality"]) == (None, "refused by module")
    assert reading["reason"]


async def test_toggling_writes_the_opposite_of_what_is_read() -> None:
    module, line = await look_at("DO4")
    for wanted in (True, False):
        outcome = await module.write(1, Toggle.TOGGLE)
        assert outcome["reading"]["value"] is wanted
    assert len(line.writes) == 2


async def test_toggling_what_cannot_be_read_is_refused() -> None:
    module, line = await look_at("DO4", lambda request: Reply(0xD0) if request.opcode == Opcode.GET_IO else None)
    with pytest.raises(RequestRejected):
        await module.write(1, Toggle.TOGGLE)
    assert line.writes == []


async def test_what_is_out_of_range_is_not_written() -> None:
    module, line = await look_at("AO4")
    with pytest.raises(RequestRejected) as refused:
        await module.write(0, 10.5)
    assert refused.value.reason is Reason.OUT_OF_RANGE
    assert line.writes == []


async def test_a_refused_write_is_raised() -> None:
    module, _ = await look_at("DO4", lambda request: Reply(0xD0) if request.opcode == Opcode.SET_IO else None)
    with pytest.raises(DeviceRefused):
        await module.write(0, True)


async def test_options_give_limits_and_exit_states_but_set_no_parameters() -> None:
    options = ModuleOptions(
        serial=7, name="Valve", channels={0: ChannelOptions(name="Mixer", minimum=2.0, exit=2.5), 1: ChannelOptions(enabled=False)}
    )
    module, line = await look_at("AO4", options=options)
    assert module.document["name"] == "valve"
    assert module.outputs == [0, 2, 3]
    assert module.exit_state(0) == 2.5
    with pytest.raises(RequestRejected):
        await module.write(0, 1.0)
    assert line.writes == []


async def test_a_family_nobody_knows_is_said() -> None:
    line = Line(VirtualModule("DO4", serial=7))
    with pytest.raises(UnknownFamily):
        await DirectModule.look_at(Identity(1, 1, 0x7777, 0x1000, 7, b""), line, "/dev/x")


async def test_a_line_that_fails_is_raised() -> None:
    def silent(request: Request) -> Reply | None:
        raise ReplyTimeout("no answer", sent=True)

    with pytest.raises(ReplyTimeout):
        await look_at("DO4", silent)
