"""All outputs of a thermostat together: nothing is switched on before what has to go off was told so.

This is the plain drive: a heater stays as it was ordered when the program dies. What brings heaters with a module that can
switch itself off takes the place of `ClimateOutput`, one output at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from lucid2mqtt.control.drive import DriveOptions, Order
from lucid2mqtt.control.exchange import Decision, Mode
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.climate_options import ClimateOptions
from lucid2mqtt.engine.climate_output import ClimateOutput
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.engine.house import House

Wishes = Mapping[ClimateOutput, bool | float]

_LOOK_AGAIN_S = 0.25


class ClimateOutputs:
    def __init__(self, options: ClimateOptions, house: House, board: Board, desk: Desk) -> None:
        def made(channels: Iterable[ChannelRef], drive: DriveOptions | None) -> tuple[ClimateOutput, ...]:
            analog = drive.analog if drive is not None else None
            rest, span = (False, 0.0) if analog is None else (analog.low, analog.high - analog.low)
            return tuple(ClimateOutput(channel, options.owner, house, board, desk, rest=rest, span=span) for channel in channels)

        self._heating = made(options.heating, options.control.heating)
        self._cooling = made(options.cooling, options.control.cooling)
        self._all = self._heating + self._cooling
        self._wishes: Wishes = {output: output.rest for output in self._all}

    @property
    def heating_seen(self) -> tuple[bool | None, ...]:
        return tuple(output.is_on for output in self._heating)

    @property
    def cooling_seen(self) -> tuple[bool | None, ...]:
        return tuple(output.is_on for output in self._cooling)

    def awaits(self, channel: ChannelRef) -> bool:
        """The next reading of `channel` decides what is to be done about a write that got no answer."""
        return any(output.channel == channel and output.awaits_reading for output in self._all)

    def fault(self, now: float, mode: Mode) -> str:
        """What is wrong with the outputs that `mode` uses, a sentence; empty when nothing is."""
        used = {Mode.HEAT: self._heating, Mode.OFF: self._heating, Mode.COOL: self._cooling}.get(mode, self._all)
        return "; ".join(fault for output in used if (fault := output.fault(now)))

    def notices(self, now: float) -> tuple[str, ...]:
        """Everything that is wrong with any output."""
        return tuple(fault for output in self._all if (fault := output.fault(now)))

    def take(self) -> None:
        """Claims what is not claimed yet."""
        for output in self._all:
            output.take()

    async def follow(self, decision: Decision) -> None:
        """Puts the outputs to what was decided; what fails shows in `fault` and is tried again at `retry_at`."""
        await self._put({**_wishes(self._heating, decision.heating), **_wishes(self._cooling, decision.cooling)})

    async def rest(self) -> None:
        """Everything off, as far as it can be reached."""
        await self._put({output: output.rest for output in self._all})

    async def rest_for_good(self) -> None:
        """Everything off, tried until it reads so; returns early for what is not plugged in. The caller bounds the time."""
        while restless := [output for output in self._all if not output.is_at_rest and not output.is_away]:
            await _together([(output, output.rest) for output in restless], is_last=True)
            if all(output.is_at_rest or output.is_away for output in restless):
                return
            await asyncio.sleep(_LOOK_AGAIN_S)

    @property
    def restless(self) -> tuple[ChannelRef, ...]:
        """What does not read off, or cannot be read."""
        return tuple(output.channel for output in self._all if not output.is_at_rest)

    def release(self) -> None:
        for output in self._all:
            output.release()

    @property
    def retry_at(self) -> float:
        """Loop time at which something that failed is worth trying again; infinity while all is as wanted."""
        return min(output.retry_at(wish) for output, wish in self._wishes.items())

    async def _put(self, wishes: Wishes) -> None:
        self._wishes = wishes
        await _together([(output, wish) for output, wish in wishes.items() if wish == output.rest])
        await _together([(output, wish) for output, wish in wishes.items() if wish != output.rest])


async def _together(wishes: Sequence[tuple[ClimateOutput, bool | float]], *, is_last: bool = False) -> None:
    async with asyncio.TaskGroup() as tasks:
        for output, wish in wishes:
            tasks.create_task(output.put(wish, is_last=is_last), name=f"put:{output.channel}")


def _wishes(outputs: Sequence[ClimateOutput], order: Order) -> Wishes:
    levels: tuple[bool | float, ...] = order.relays if order.analog is None else (order.analog,)
    return dict(zip(outputs, levels, strict=True))
