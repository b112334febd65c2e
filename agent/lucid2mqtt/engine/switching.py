"""One order at a time per output: checked, written, read back, put on the board, told in one line.

State is what the module says afterwards. A write without an answer is read back and reported as unknown, never repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.claims import Claims
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.module import LiveModule
from lucid2mqtt.engine.orders import Order, Outcome, Toggle
from lucid2mqtt.engine.point import Point
from lucid2mqtt.engine.pulses import Pulses
from lucid2mqtt.errors import DeviceRefused, LinkError, Reason, RequestRejected
from lucid2mqtt.lucid.exchange import Turn

MAX_PENDING = 8
"""Orders that may be under way for one channel; one more is BUSY."""

_READ_BACK_WITHIN_S = 3.0  # how long a line may take to recover before an unanswered write is reported without a read-back
_READ_BACK_PAUSE_S = 0.1

_log = logging.getLogger(__name__)


class Switching:
    """Carries out orders, in their order per channel."""

    def __init__(self, house: House, board: Board, claims: Claims, pulses: Pulses) -> None:
        self._house = house
        self._board = board
        self._claims = claims
        self._pulses = pulses
        self._lanes: dict[ChannelRef, _Lane] = {}

    async def carry_out(self, order: Order) -> Outcome:
        """Writes and reads back. Raises RequestRejected; something may have been written only when its reason is NO_ANSWER."""
        async with self._lane(order.channel):
            live, point = self._admit(order)
            value = order.value
            if isinstance(value, Toggle):
                value = not await self._present(live, point, order)
                self._claims.check(order.channel, order.claim)  # it may have been taken while the module was read
            return await self._switch(live, point, order, value)

    async def repeat(self, order: Order) -> None:
        """Writes once more what holds already, without a word: no read-back, no pulse, a line at debug level. Raises RequestRejected."""
        async with self._lane(order.channel):
            live, point = self._admit(order)
            if isinstance(order.value, Toggle):
                raise RequestRejected(Reason.NOT_UNDERSTOOD, f"{order.channel}: a toggle cannot be repeated", "order a state")
            try:
                await live.write(point, order.value, turn=order.turn, client=order.who, deadline=order.deadline)
            except DeviceRefused as refusal:
                raise _refused(order.channel, refusal) from refusal
            except LinkError as fault:
                if not fault.sent:
                    raise _unreachable(order.channel, fault) from fault
                message = f"{order.channel}: {point.show_value(order.value)} by {order.who} got no answer ({fault})"
                raise RequestRejected(Reason.NO_ANSWER, message, "look at the output") from fault
            _log.debug("%s: %s by %s once more", order.channel, point.show_value(order.value), order.who)

    async def settle(self, order: Order, *, still_due: Callable[[], bool]) -> Outcome | None:
        """Reads first; None when nothing was written: the module shows the value already, or the orders before made it undue."""
        async with self._lane(order.channel):
            if not still_due():
                return None
            live, point = self._admit(order)
            reading = await self._read(live, point, order)
            if isinstance(order.value, Toggle) or point.shows(reading, order.value):
                return None
            return await self._switch(live, point, order, order.value)

    def _lane(self, channel: ChannelRef) -> _Lane:
        lane = self._lanes.get(channel)
        if lane is None:
            lane = self._lanes[channel] = _Lane(channel, self._lanes)
        return lane

    def _admit(self, order: Order) -> tuple[LiveModule, Point]:
        live, point = self._house.output(order.channel)
        self._claims.check(order.channel, order.claim)
        is_late = order.deadline is not None and asyncio.get_running_loop().time() > order.deadline
        if is_late or not order.still_due():
            raise RequestRejected(Reason.EXPIRED, f"the command for {order.channel} came too late", "send it again if it is still wanted")
        point.check_order(order)
        return live, point

    async def _present(self, live: LiveModule, point: Point, order: Order) -> bool:
        reading = await self._read(live, point, order)
        if reading.value is None:
            message = f"{order.channel} cannot be toggled, it cannot be read: {reading.reason}"
            raise RequestRejected(Reason.REFUSED_BY_MODULE, message, "send ON or OFF")
        return bool(reading.value)

    async def _read(self, live: LiveModule, point: Point, order: Order) -> Reading:
        try:
            return await live.read(point, turn=order.turn, client=order.who)
        except LinkError as fault:
            raise _unreachable(order.channel, fault) from fault

    async def _switch(self, live: LiveModule, point: Point, order: Order, value: bool | float) -> Outcome:
        before = self._board.latest(order.channel)
        plan = self._pulses.plan(point, order, value)
        try:
            await live.write(point, value, turn=order.turn, client=order.who, deadline=order.deadline)
        except DeviceRefused as refusal:
            plan.revoke()
            raise _refused(order.channel, refusal) from refusal
        except LinkError as fault:
            if not fault.sent:
                plan.revoke()
                raise _unreachable(order.channel, fault) from fault
            plan.doubt()
            reading = await self._read_after(live, point, order)
            doubt = f"got no answer ({fault}): unknown whether it was carried out"
            raise self._no_answer(point, order, value, reading, doubt) from fault
        except RequestRejected:
            plan.revoke()
            raise
        except asyncio.CancelledError:
            plan.doubt()
            raise
        if order.settles_in_s:
            await asyncio.sleep(order.settles_in_s)
        try:
            reading = await live.read(point, turn=order.turn, client=order.who)
        except (LinkError, RequestRejected) as fault:
            late = await self._read_after(live, point, order)
            if late is None:
                raise self._no_answer(point, order, value, None, f"was accepted, but not read back ({fault})") from fault
            reading = late
        return _told(point, order, before, value, reading)

    async def _read_after(self, live: LiveModule, point: Point, order: Order) -> Reading | None:
        """What the module says once its line has recovered; None when that takes too long."""
        try:
            async with asyncio.timeout(_READ_BACK_WITHIN_S):
                while not live.gone:
                    try:
                        return await live.read(point, turn=Turn.COMMAND, client=order.who)
                    except (LinkError, RequestRejected):
                        await asyncio.sleep(_READ_BACK_PAUSE_S)
        except TimeoutError:
            pass
        return None

    def _no_answer(self, point: Point, order: Order, value: bool | float, reading: Reading | None, doubt: str) -> RequestRejected:
        said = "the module does not answer" if reading is None else f"the module now says {point.show(reading)}"
        message = f"{order.channel}: {point.show_value(value)} by {order.who} {doubt}; {said}"
        _log.warning("%s", message)
        return RequestRejected(Reason.NO_ANSWER, message, "look at the output, then send the command again if it is still wanted")


class _Lane:
    """The orders of one channel; gone when there are none."""

    def __init__(self, channel: ChannelRef, lanes: dict[ChannelRef, _Lane]) -> None:
        self._channel = channel
        self._lanes = lanes
        self._lock = asyncio.Lock()
        self._pending = 0

    async def __aenter__(self) -> None:
        if self._pending >= MAX_PENDING:
            raise RequestRejected(
                Reason.BUSY, f"{self._channel} has {MAX_PENDING} commands waiting already", "send fewer, or wait for their outcome"
            )
        self._pending += 1
        try:
            await self._lock.acquire()
        except asyncio.CancelledError:
            self._leave()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lock.release()
        self._leave()

    def _leave(self) -> None:
        self._pending -= 1
        if not self._pending:
            del self._lanes[self._channel]


def _unreachable(channel: ChannelRef, fault: LinkError) -> RequestRejected:
    return RequestRejected(
        Reason.MODULE_OFFLINE, f"{channel} cannot be reached, nothing was written: {fault}", "check cable and port, then send it again"
    )


def _refused(channel: ChannelRef, refusal: DeviceRefused) -> RequestRejected:
    return RequestRejected(Reason.REFUSED_BY_MODULE, f"{channel}: {refusal}", "check the mode and the range of the output")


def _told(point: Point, order: Order, before: Reading | None, value: bool | float, reading: Reading) -> Outcome:
    text = f"{order.channel}: {point.show(before)} -> {point.show_value(value)} by {order.who}, the module says {point.show(reading)}"
    level = logging.INFO if point.shows(reading, value) else logging.WARNING
    asyncio.get_running_loop().call_soon(_log.log, level, "%s", text)  # whoever waits for the outcome comes first
    return Outcome(reading, text)
