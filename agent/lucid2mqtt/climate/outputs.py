"""All outputs of a thermostat together: nothing is switched on before what has to go off was told so."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from lucid2mqtt.climate.claim import OutputClaim
from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.climate.output import ClimateOutput
from lucid2mqtt.climate.relay_output import RelayDrive, RelayOutput
from lucid2mqtt.climate.verdicts import StoredZeros, Verdicts
from lucid2mqtt.control.deadman import DriveKind
from lucid2mqtt.control.drive import DriveOptions, Order
from lucid2mqtt.control.exchange import Decision, Mode
from lucid2mqtt.domain.channel import Contact
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.store import StateStore

_LOOK_AGAIN_S = 0.25
_FROM_WORST = (DriveKind.REFUSED, DriveKind.PLAIN, DriveKind.DEADMAN)


class Output(Protocol):
    """An output as `ClimateOutput` documents it, whichever way it is driven."""

    @property
    def channel(self) -> ChannelRef: ...
    @property
    def rest(self) -> bool | float: ...
    @property
    def drive(self) -> DriveKind: ...
    @property
    def notice(self) -> str: ...
    @property
    def is_on(self) -> bool | None: ...
    @property
    def awaits_reading(self) -> bool: ...
    @property
    def is_away(self) -> bool: ...
    @property
    def is_at_rest(self) -> bool: ...
    def fault(self, now: float) -> str: ...
    def doubt(self, now: float) -> str: ...
    def retry_at(self, wanted: bool | float) -> float: ...
    def take(self) -> None: ...
    def release(self) -> None: ...
    async def run(self) -> None: ...
    async def put(self, wanted: bool | float, *, until: float, is_last: bool = False) -> None: ...


Wishes = Mapping[Output, bool | float]


class ClimateOutputs:
    def __init__(self, options: ClimateOptions, house: House, board: Board, desk: Desk, store: StateStore) -> None:
        verdicts, zeros = Verdicts(store), StoredZeros(store)

        def made(channel: ChannelRef, drive: DriveOptions) -> Output:
            claim = OutputClaim(channel, options.owner, desk)
            if drive.analog is not None:
                span = drive.analog.high - drive.analog.low
                return ClimateOutput(claim, house, board, desk, rest=drive.analog.low, span=span)
            relay = RelayDrive(wish=options.drive, window=options.hold, contact=drive.contact)
            return RelayOutput(claim, relay, house, board, desk, verdicts=verdicts, zeros=zeros)

        def all_made(channels: Iterable[ChannelRef], drive: DriveOptions | None) -> tuple[Output, ...]:
            return () if drive is None else tuple(made(channel, drive) for channel in channels)

        self._house = house
        self._heating = all_made(options.heating, options.control.heating)
        self._cooling = all_made(options.cooling, options.control.cooling)
        self._all = self._heating + self._cooling
        self._wishes: Wishes = {output: output.rest for output in self._all}

    # ---- what is known

    @property
    def heating_seen(self) -> tuple[bool | None, ...]:
        return tuple(output.is_on for output in self._heating)

    @property
    def cooling_seen(self) -> tuple[bool | None, ...]:
        return tuple(output.is_on for output in self._cooling)

    @property
    def heating_contact(self) -> Contact | None:
        """What the modules say of their contacts; a relay where they differ, None while one has not been seen yet."""
        return self._contact(self._heating)

    @property
    def cooling_contact(self) -> Contact | None:
        return self._contact(self._cooling)

    @property
    def drive(self) -> DriveKind:
        """How the outputs are driven: the worst of them."""
        drives = {output.drive for output in self._all}
        return next(drive for drive in _FROM_WORST if drive in drives)

    def awaits(self, channel: ChannelRef) -> bool:
        """The next reading of `channel` decides what is to be done about a write that got no answer."""
        return any(output.channel == channel and output.awaits_reading for output in self._all)

    def fault(self, now: float, mode: Mode) -> str:
        """What keeps the outputs that `mode` uses from being used, a sentence; empty when nothing does."""
        return "; ".join(fault for output in self._used(mode) if (fault := output.fault(now)))

    def doubt(self, now: float, mode: Mode) -> str:
        """What went wrong with them and has not been seen to work since; empty when nothing did."""
        return "; ".join(doubt for output in self._used(mode) if (doubt := output.doubt(now)))

    def notices(self, now: float) -> tuple[str, ...]:
        """Everything that is wrong with any output, and what is to be known of its drive."""
        said = [text for output in self._all for text in (output.fault(now) or output.doubt(now), output.notice)]
        return tuple(text for text in said if text)

    @property
    def restless(self) -> tuple[ChannelRef, ...]:
        """What does not read off, or cannot be read."""
        return tuple(output.channel for output in self._all if not output.is_at_rest)

    @property
    def retry_at(self) -> float:
        """Loop time at which something that failed is worth trying again; infinity while all is as wanted."""
        return min(output.retry_at(wish) for output, wish in self._wishes.items())

    # ---- what is done

    async def run(self) -> None:
        """Keeps on what has to be told so again and again, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for output in self._all:
                tasks.create_task(output.run(), name=f"output:{output.channel}")

    def take(self) -> None:
        """Claims what is not claimed yet."""
        for output in self._all:
            output.take()

    async def follow(self, decision: Decision) -> None:
        """Puts the outputs to what was decided; what fails shows in `fault` and is tried again at `retry_at`."""
        await self._put({**_wishes(self._heating, decision.heating), **_wishes(self._cooling, decision.cooling)}, decision.next_at)

    async def rest(self) -> None:
        """Everything off, as far as it can be reached."""
        await self._put({output: output.rest for output in self._all}, math.inf)

    async def rest_for_good(self) -> None:
        """Everything off, tried until it reads so; returns early for what is not plugged in. The caller bounds the time."""
        while restless := [output for output in self._all if not output.is_at_rest and not output.is_away]:
            await _together([(output, output.rest) for output in restless], math.inf, is_last=True)
            if all(output.is_at_rest or output.is_away for output in restless):
                return
            await asyncio.sleep(_LOOK_AGAIN_S)

    def release(self) -> None:
        for output in self._all:
            output.release()

    async def _put(self, wishes: Wishes, until: float) -> None:
        self._wishes = wishes
        await _together([(output, wish) for output, wish in wishes.items() if wish == output.rest], until)
        await _together([(output, wish) for output, wish in wishes.items() if wish != output.rest], until)

    def _used(self, mode: Mode) -> Sequence[Output]:
        return {Mode.HEAT: self._heating, Mode.OFF: self._heating, Mode.COOL: self._cooling}.get(mode, self._all)

    def _contact(self, outputs: Sequence[Output]) -> Contact | None:
        channels = {channel.ref: channel for view in self._house.modules if view.module is not None for channel in view.module.channels}
        contacts = {known.contact if (known := channels.get(output.channel)) is not None else None for output in outputs}
        if len(contacts) > 1:
            return None if None in contacts else Contact.RELAY
        return next(iter(contacts), None)


async def _together(wishes: Sequence[tuple[Output, bool | float]], until: float, *, is_last: bool = False) -> None:
    async with asyncio.TaskGroup() as tasks:
        for output, wish in wishes:
            tasks.create_task(output.put(wish, until=until, is_last=is_last), name=f"put:{output.channel}")


def _wishes(outputs: Sequence[Output], order: Order) -> Wishes:
    levels: tuple[bool | float, ...] = order.relays if order.analog is None else (order.analog,)
    return dict(zip(outputs, levels, strict=True))
