from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from lucid2mqtt.console.verbs import ConsoleVerbs
from lucid2mqtt.console.wire import decode, encode
from lucid2mqtt.domain.channel import Channel, ChannelKind, Module, Signal
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.orders import Order, Outcome, Toggle
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.port.counters import PortCounters
from lucid2mqtt.port.supervisor import PortState, PortStatus

FLOW = Channel(
    ref=ChannelRef("boiler", "flow"), number=0, kind=ChannelKind.TEMPERATURE, signal=Signal.TEMPERATURE, label="Flow", unit="°C", decimals=1
)
PUMP = Channel(ref=ChannelRef("boiler", "pump"), number=1, kind=ChannelKind.DIGITAL_OUTPUT, signal=Signal.STATE, label="Pump")
BOILER = Module(name="boiler", label="Boiler", family="XX2", type_text="both", serial=7, firmware=22, hardware=3, channels=(FLOW, PUMP))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FLOW_READING = Reading(channel=FLOW.ref, value=21.5, unit="°C", quality=Quality.GOOD, taken_at=NOON)
PUMP_FAULT = Reading(channel=PUMP.ref, value=None, unit="", quality=Quality.REFUSED, taken_at=NOON, reason="it said no")


@dataclass
class View:
    name: str
    online: bool
    module: Module | None
    port: str | None
    detail: str


@dataclass
class Rooms:
    """House, desk and port watch in one."""

    modules: Sequence[View] = (View("boiler", True, BOILER, "/dev/a", ""), View("lost", False, None, None, "not seen yet"))
    orders: list[Order] = field(default_factory=list)
    reads: list[tuple[str, str | None]] = field(default_factory=list)
    rescans: int = 0

    async def read_now(self, module: str, channel: str | None = None) -> tuple[Reading, ...]:
        self.reads.append((module, channel))
        return tuple(reading for reading in (FLOW_READING, PUMP_FAULT) if channel in (None, reading.channel.channel))

    async def carry_out(self, order: Order) -> Outcome:
        self.orders.append(order)
        return Outcome(Reading(channel=order.channel, value=True, unit="", quality=Quality.GOOD, taken_at=NOON), "done")

    def status(self) -> tuple[PortStatus, ...]:
        identity = Identity(22, 3, 0x1000, 0x1100, 7, b"")
        return (
            PortStatus("/dev/a", PortState.OPEN, "", identity, PortCounters(transactions=3)),
            PortStatus("/dev/b", PortState.BUSY, "socat"),
        )

    def rescan(self) -> None:
        self.rescans += 1


@dataclass(frozen=True)
class Guest:
    number: int


class Guests:
    """One connected client with number 1."""

    def __init__(self) -> None:
        self.log_is_on = False

    def clients(self) -> tuple[Guest, ...]:
        return (Guest(1),)

    def listeners(self) -> tuple[Guest, ...]:
        return ()

    def log_frames(self, number: int, *, on: bool) -> None:
        self._check(number)
        self.log_is_on = on

    def frames(self, number: int) -> tuple[str, ...]:
        self._check(number)
        return ("GetId",) if self.log_is_on else ()

    def disconnect(self, number: int) -> None:
        self._check(number)

    def _check(self, number: int) -> None:
        if number != 1:
            raise KeyError(number)


@pytest.fixture
def rooms() -> Rooms:
    return Rooms()


@pytest.fixture
def verbs(rooms: Rooms) -> ConsoleVerbs:
    present = Guests()

    def guests() -> Guests:
        return present

    return ConsoleVerbs(rooms, rooms, rooms, guests, about=lambda: {"version": "1", "node": "az"}, forget=lambda module: module == "lost")


async def test_only_a_module_that_is_away_and_was_announced_is_forgotten(verbs: ConsoleVerbs) -> None:
    await verbs.forget({"module": "lost"})
    with pytest.raises(RequestRejected, match="boiler is online"):
        await verbs.forget({"module": "boiler"})
    with pytest.raises(RequestRejected, match="was announced"):
        await verbs.forget({"module": "stranger"})


async def test_the_passthrough_is_shown_traced_and_cut_off_by_number(verbs: ConsoleVerbs) -> None:
    assert await verbs.clients({}) == {"listeners": [], "clients": [{"number": 1}]}
    assert await verbs.trace({"client": 1}) == ["GetId"]
    assert await verbs.trace({"client": 1, "on": False}) == []
    await verbs.disconnect({"client": 1})
    for verb in (verbs.trace, verbs.disconnect):
        with pytest.raises(RequestRejected, match="no client 2"):
            await verb({"client": 2})
        with pytest.raises(RequestRejected, match="not understood"):
            await verb({"client": "one"})


async def test_status_tells_of_the_agent_and_its_ports(verbs: ConsoleVerbs) -> None:
    status = await verbs.status({})
    assert decode(encode(status)) == status
    assert status["node"] == "az"
    assert [(port["port"], port["state"], port["detail"]) for port in status["ports"]] == [
        ("/dev/a", "open", ""),
        ("/dev/b", "busy", "socat"),
    ]
    assert status["ports"][0]["module"]["family"] == "DO4"
    assert status["ports"][0]["counters"]["transactions"] == 3


async def test_modules_name_the_missing_ones_too(verbs: ConsoleVerbs) -> None:
    boiler, lost = await verbs.modules({})
    assert (boiler["serial"], boiler["online"], boiler["port"]) == (7, True, "/dev/a")
    assert [channel["name"] for channel in boiler["channels"]] == ["flow", "pump"]
    assert lost == {"name": "lost", "online": False, "port": None, "detail": "not seen yet"}


async def test_reading_takes_numbers_and_names_or_everything(verbs: ConsoleVerbs, rooms: Rooms) -> None:
    (flow,) = await verbs.read({"module": "boiler", "channels": [0]})
    assert (flow["value"], flow["unit"], flow["quality"], flow["taken_at"]) == (21.5, "°C", "good", "2026-01-01T12:00:00+00:00")
    (pump,) = await verbs.read({"module": "boiler", "channels": ["pump"]})
    assert (pump["value"], pump["reason"]) == (None, "it said no")
    assert len(await verbs.read({"module": "boiler"})) == 2
    assert rooms.reads == [("boiler", "flow"), ("boiler", "pump"), ("boiler", None)]


@pytest.mark.parametrize(("given", "meant"), [(True, True), (False, False), (4.5, 4.5), (3, 3), ("TOGGLE", Toggle.TOGGLE)])
async def test_writing_goes_over_the_desk_in_the_consoles_name(
    verbs: ConsoleVerbs, rooms: Rooms, given: object, meant: bool | float | Toggle
) -> None:
    outcome = await verbs.write({"module": "boiler", "channel": 1, "value": given})
    assert rooms.orders == [Order(channel=PUMP.ref, value=meant, who="console")]
    assert outcome["text"] == "done"
    assert outcome["reading"]["value"] is True


@pytest.mark.parametrize(
    ("verb", "request_", "reason"),
    [
        ("read", {"module": "nobody"}, Reason.UNKNOWN_MODULE),
        ("read", {}, Reason.UNKNOWN_MODULE),
        ("read", {"module": "lost"}, Reason.MODULE_OFFLINE),
        ("read", {"module": "boiler", "channels": [9]}, Reason.UNKNOWN_CHANNEL),
        ("read", {"module": "boiler", "channels": [True]}, Reason.UNKNOWN_CHANNEL),
        ("read", {"module": "boiler", "channels": []}, Reason.NOT_UNDERSTOOD),
        ("read", {"module": "boiler", "channels": "flow"}, Reason.NOT_UNDERSTOOD),
        ("write", {"module": "boiler", "channel": 1}, Reason.NOT_UNDERSTOOD),
        ("write", {"module": "boiler", "channel": 1, "value": "maybe"}, Reason.NOT_UNDERSTOOD),
        ("write", {"module": "boiler", "channel": 1, "value": float("nan")}, Reason.NOT_UNDERSTOOD),
        ("write", {"module": "boiler", "channel": 1, "value": 10**400}, Reason.NOT_UNDERSTOOD),
        ("write", {"module": "boiler", "channel": [], "value": True}, Reason.UNKNOWN_CHANNEL),
    ],
)
async def test_requests_without_sense_are_refused_before_anything_happens(
    verbs: ConsoleVerbs, rooms: Rooms, verb: str, request_: dict[str, object], reason: Reason
) -> None:
    with pytest.raises(RequestRejected) as refused:
        await verbs.verbs()[verb](request_)
    assert refused.value.reason is reason
    assert refused.value.remedy
    assert not rooms.orders
    assert not rooms.reads


async def test_rescan_looks_at_the_ports(verbs: ConsoleVerbs, rooms: Rooms) -> None:
    await verbs.verbs()["rescan"]({})
    assert rooms.rescans == 1
