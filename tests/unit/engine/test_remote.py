"""Values that come by topic: taken, repeated, withdrawn when old, and never a stranger's accident."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.engine.remote import LONGEST_PAYLOAD, REPEAT_S, RemoteOptions, RemoteValues, number_in
from lucid2mqtt.observe.notify import Heartbeats
from lucid2mqtt.observe.progress import PollProgress
from tests.unit.engine.scripted import Household, ScriptedModule, identity, living
from tests.virtual_clock import run_virtual

ROOM, OUTDOOR = ChannelRef("remote", "room"), ChannelRef("remote", "outdoor")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLAIN = RemoteOptions(ROOM, "zigbee/room", max_age_s=900.0)


class Ear:
    def __init__(self, *options: RemoteOptions) -> None:
        self.board = Board()
        self.readings: list[Reading] = []
        self.board.subscribe(self.readings.extend)
        self.values = RemoteValues(options, self.board, now=lambda: NOON)

    def hear(self, payload: str | bytes, topic: str = "zigbee/room", *, retained: bool = False) -> None:
        self.values.heard(topic, payload.encode() if isinstance(payload, str) else payload, retained=retained)

    def latest(self, channel: ChannelRef = ROOM) -> tuple[object, str]:
        reading = self.board.latest(channel)
        assert reading is not None
        return reading.value, reading.reason


@contextlib.asynccontextmanager
async def listening(*options: RemoteOptions) -> AsyncIterator[Ear]:
    ear = Ear(*options)
    run = asyncio.create_task(ear.values.run())
    await asyncio.sleep(0)
    try:
        yield ear
    finally:
        run.cancel()


def test_a_value_is_put_up_at_once_and_repeated_while_it_holds() -> None:
    async def main() -> None:
        async with listening(PLAIN) as ear:
            await asyncio.sleep(3.0)
            ear.hear(" 21.5\n")
            assert ear.readings == [Reading(channel=ROOM, value=21.5, unit="°C", quality=Quality.GOOD, taken_at=NOON)]
            await asyncio.sleep(600.0)
            assert len(ear.readings) == pytest.approx(60, abs=2)
            assert {reading.value for reading in ear.readings} == {21.5}

    run_virtual(main())


def test_a_value_nobody_renewed_is_withdrawn_when_its_time_is_over_and_not_sooner() -> None:
    async def main() -> None:
        async with listening(PLAIN) as ear:
            await asyncio.sleep(4.0)
            ear.hear("21.5")
            await asyncio.sleep(899.9)
            assert ear.latest() == (21.5, "")
            await asyncio.sleep(0.2)
            assert ear.latest() == (None, "no news on zigbee/room for 15 min")
            told = len(ear.readings)
            await asyncio.sleep(3600.0)
            assert len(ear.readings) == told, "said once"
            ear.hear("20.0")
            assert ear.latest() == (20.0, "")

    run_virtual(main())


def test_news_count_from_the_moment_they_were_heard() -> None:
    async def main() -> None:
        async with listening(PLAIN) as ear:
            for _ in range(10):
                ear.hear("21.5")
                await asyncio.sleep(800.0)
                assert ear.latest() == (21.5, "")

    run_virtual(main())


def test_a_retained_message_is_not_taken_and_the_log_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with listening(PLAIN) as ear:
            for _ in range(3):
                ear.hear("21.5", retained=True)
                ear.hear("1", topic="somebody/else", retained=True)
            assert ear.readings == []

    with caplog.at_level(logging.INFO):
        run_virtual(main())
    assert [record.getMessage() for record in caplog.records] == [
        "zigbee/room: what the broker kept is not used, its age is not known; waiting for news"
    ]


def test_a_retained_message_does_not_prolong_a_value() -> None:
    async def main() -> None:
        async with listening(PLAIN) as ear:
            ear.hear("21.5")
            await asyncio.sleep(800.0)
            ear.hear("21.5", retained=True)
            await asyncio.sleep(200.0)
            assert ear.latest()[0] is None

    run_virtual(main())


def test_until_the_first_news_the_reason_names_the_topic_and_the_log_tells_when_it_lasts(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with listening(PLAIN) as ear:
            await asyncio.sleep(REPEAT_S + 0.1)
            assert ear.latest() == (None, "nothing was heard on zigbee/room yet")
            assert caplog.records == []
            await asyncio.sleep(900.0)
            assert ear.latest() == (None, "nothing was heard on zigbee/room for 15 min")
            await asyncio.sleep(3600.0)
            ear.hear("21")

    with caplog.at_level(logging.INFO):
        run_virtual(main())
    assert [record.getMessage() for record in caplog.records] == [
        "remote/room: nothing was heard on zigbee/room for 15 min",
        "remote/room is there again: zigbee/room",
    ]


def test_one_document_may_hold_several_values() -> None:
    async def main() -> None:
        room = RemoteOptions(ROOM, "zigbee/room", key="temperature")
        outdoor = RemoteOptions(OUTDOOR, "zigbee/room", key="weather.outside.t")
        async with listening(room, outdoor) as ear:
            assert ear.values.topics == ("zigbee/room",)
            ear.hear('{"temperature": 21.5, "weather": {"outside": {"t": "-3.5"}}, "battery": 90}')
            assert (ear.latest()[0], ear.latest(OUTDOOR)[0]) == (21.5, -3.5)
            ear.hear('{"temperature": 22}')
            assert ear.latest() == (22.0, "")
            assert ear.latest(OUTDOOR) == (None, "zigbee/room: there is no weather.outside.t in '{\"temperature\": 22}'")

    run_virtual(main())


def test_garbage_takes_the_value_away_with_the_reason_and_the_log_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with listening(PLAIN) as ear:
            ear.hear("21.5")
            for _ in range(100):
                ear.hear("unavailable")
            assert ear.latest() == (None, "zigbee/room: 'unavailable', which is no number")
            await asyncio.sleep(1000.0)
            assert ear.latest()[1] == "zigbee/room: 'unavailable', which is no number"
            ear.hear("21.0")
            assert ear.latest() == (21.0, "")

    with caplog.at_level(logging.WARNING):
        run_virtual(main())
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("payload", "key"),
    [(b"", ""), (b"nan", ""), (b"-inf", ""), (b"21,5", ""), (b"21.5 C", ""), (b"\xff\xfe", ""), (b"1" * (LONGEST_PAYLOAD + 1), ""),
     (b'{"t": 1}', ""), (b"", "t"), (b"21", "t"), (b"[21]", "t"), (b'{"t": null}', "t"), (b'{"t": true}', "t"), (b'{"t": NaN}', "t"),
     (b'{"t": 1e999}', "t"), (b'{"t": ' + b"1" * 400 + b"}", "t"), (b'{"t": ' + b"1" * 5000 + b"}", "t"), (b'{"t": [1]}', "t"), (b'{"t": {"u": 1}}', "t"), (b'{"t": "warm"}', "t"),
     (b'{"t": 1}', "t.u"), (b'{"t": 1}', "u"), (b'{"t":' * 9000, "t"), (b'{"t": 1', "t")],
)  # fmt: skip
def test_what_is_no_number_is_said_in_a_few_words(payload: bytes, key: str) -> None:
    with pytest.raises(ValueError, match=r"no number|no text|no JSON|there is no|bytes") as caught:
        number_in(payload, key)
    assert len(str(caught.value)) < 150


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode), st.sampled_from(["", "a", "a.b", "a..b", "."]))
def test_nothing_a_stranger_sends_is_an_accident(payload: bytes, key: str) -> None:
    try:
        number = number_in(payload, key)
    except ValueError:
        number = 0.0
    assert math.isfinite(number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_comes_out_as_it_went_in(number: float) -> None:
    assert number_in(repr(number).encode(), "") == number_in(f'{{"a": {{"b": {number!r}}}}}'.encode(), "a.b") == number


def test_a_value_that_cannot_be_is_refused_when_it_is_declared() -> None:
    with pytest.raises(ValueError, match="remote"):
        RemoteOptions(ChannelRef("boiler", "flow"), "t")
    for age in (math.nan, math.inf, 0.0, REPEAT_S - 0.1):
        with pytest.raises(ValueError, match="max_age_s"):
            RemoteOptions(ROOM, "t", max_age_s=age)


def test_without_values_there_is_nothing_to_run() -> None:
    async def main() -> None:
        values = RemoteValues((), Board(), now=lambda: NOON)
        await values.run()
        assert values.topics == ()
        values.heard("t", b"1", retained=False)

    run_virtual(main())


def test_house_desk_and_watchdog_do_not_stumble_over_them() -> None:
    async def main() -> None:
        relay = ScriptedModule(identity("DO4", 0x1100, 1))
        home = Household((ModuleOptions(serial=1, name="heaters", channels={0: ChannelOptions(name="living", max_on_s=3600.0)}),))
        heartbeats = Heartbeats(asyncio.get_running_loop().time)
        progress = PollProgress(heartbeats)
        home.board.subscribe(progress.readings_came)
        async with living(home, relay):
            RemoteValues((PLAIN,), home.board, now=home.now).heard("zigbee/room", b"21.5", retained=False)
            assert home.board.snapshot()[ROOM].value == 21.5
            assert [view.name for view in home.house.modules] == ["heaters"]
            refusal = await home.refusal("remote/room", value=True)
            assert refusal.reason == "unknown_module"
            assert heartbeats.stalled() == ()

    run_virtual(main())
