"""A relay of a thermostat: whenever its module arrives it is found out how it can be driven, and then it is driven so.

The dead-man drive needs an armed channel, the plain one a channel that keeps what is written; neither is taken for
granted, because a module forgets its volatile parameters with its power. Until that is settled the output stays off.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

from lucid2mqtt.climate.claim import OutputClaim
from lucid2mqtt.climate.deadman_channel import FOLLOWS_WITHIN_S, OnOffChannel
from lucid2mqtt.climate.deadman_output import DeadManOutput
from lucid2mqtt.climate.output import GRUDGE_S, RETRY_S, ClimateOutput, later
from lucid2mqtt.climate.verdicts import OutputKey, StoredZeros, Verdicts
from lucid2mqtt.control.deadman import (
    DeadManDrive,
    DriveChoice,
    DriveKind,
    DriveWish,
    HoldWindow,
    Semantics,
    Verdict,
    choose_drive,
    drive_without,
)
from lucid2mqtt.control.deadman_arming import ParameterValue, recipe
from lucid2mqtt.domain.channel import Contact
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.module import LiveModule
from lucid2mqtt.engine.orders import Order
from lucid2mqtt.engine.point import Point
from lucid2mqtt.errors import DeviceRefused, LinkError, RequestRejected
from lucid2mqtt.lucid.exchange import Turn

OLD_RUN_S = 5.0
"""How much longer than the hold window a channel that cannot be armed is tried: it may still be in a run from before a restart."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayDrive:
    """What the owner wishes for a relay. `contact` None: what the module says."""

    wish: DriveWish = DriveWish.AUTO
    window: HoldWindow
    contact: Contact | None = None


class RelayOutput:
    """The surface of `ClimateOutput`; `run` must be running while it is used."""

    rest = False

    def __init__(
        self, claim: OutputClaim, drive: RelayDrive, house: House, board: Board, desk: Desk, *, verdicts: Verdicts, zeros: StoredZeros
    ) -> None:
        self._claim = claim
        self._options = drive
        self._house = house
        self._board = board
        self._desk = desk
        self._verdicts = verdicts
        self._zeros = zeros
        self._plain = ClimateOutput(claim, house, board, desk)
        self._armed: DeadManOutput | None = None
        self._choice = _before_any_module(drive.wish)
        self._met: LiveModule | None = None  # the stay of the module for which the drive is settled
        self._seen: LiveModule | None = None  # the one for which it is being settled
        self._patience_until = 0.0
        self._not_before = -math.inf
        self._obstacle = ""  # why the output is kept off, a sentence
        self._before: dict[str, ParameterValue] = {}
        self._is_due = asyncio.Event()

    # ---- what is known

    @property
    def channel(self) -> ChannelRef:
        return self._claim.channel

    @property
    def drive(self) -> DriveKind:
        """How it is driven, or will be as far as known."""
        return self._choice.drive

    @property
    def notice(self) -> str:
        """What the owner should know about the drive in use, a sentence; empty when there is nothing, or `fault` says it."""
        return f"{self.channel}: {self._choice.notice}" if self._choice.notice and not self._obstacle else ""

    @property
    def is_on(self) -> bool | None:
        """As it was seen last; None: not known."""
        return self._plain.is_on if self._armed is None else self._armed.seen

    @property
    def awaits_reading(self) -> bool:
        """The next reading decides what is to be done about a write that got no answer."""
        return self._armed is None and self._plain.awaits_reading

    @property
    def is_away(self) -> bool:
        """Nothing can be written: the module is not there."""
        return self._plain.is_away

    @property
    def is_at_rest(self) -> bool:
        return self._plain.is_at_rest if self._armed is None else self._armed.is_at_rest

    def fault(self, now: float) -> str:
        """Why the output cannot be used now, a sentence; empty when it can."""
        fault = self._plain.fault(now) if self._armed is None else self._armed.fault(now)
        return fault or self._obstacle

    def doubt(self, now: float) -> str:
        """Trouble that is told on although the output is used again; empty when there is none."""
        return self._plain.doubt(now) if self._armed is None else self._armed.doubt(now)

    def retry_at(self, wanted: bool | float) -> float:
        """Loop time at which `put` is worth calling again; infinity while all is as wanted, or only a reading can change anything."""
        if self._armed is not None:
            return math.inf
        if self._met is not None or self._seen is None or self._claim.held is None or self.is_away:
            return self._plain.retry_at(wanted)
        return min(self._not_before, self._plain.retry_at(self.rest))

    # ---- what is done

    def take(self) -> None:
        """Claims the output, unless it is claimed already."""
        self._claim.take()

    def release(self) -> None:
        """Gives the output back to everybody."""
        self._claim.release()

    async def run(self) -> None:
        """Triggers in time, until cancelled."""
        unsubscribe = self._board.subscribe(self._heard)
        try:
            while True:
                self._is_due.clear()
                due = math.inf if self._armed is None else await self._armed.tend()
                try:
                    async with asyncio.timeout_at(None if due == math.inf else due):
                        await self._is_due.wait()
                except TimeoutError:
                    pass
        finally:
            unsubscribe()

    async def put(self, wanted: bool | float, *, until: float, is_last: bool = False) -> None:
        """Brings the output to `wanted`, for good or until loop time `until`, as the drive is. Never raises RequestRejected."""
        self.take()
        await self._meet()
        if self._armed is not None:
            await self._armed.put(bool(wanted), until=until, is_last=is_last)
            self._is_due.set()
        else:
            await self._plain.put(wanted if self._met is not None else self.rest, is_last=is_last)

    def _heard(self, readings: Sequence[Reading]) -> None:
        if self._armed is not None and self._armed.heard(readings):
            self._is_due.set()

    # ---- settling the drive

    async def _meet(self) -> None:
        try:
            live, point = self._house.output(self.channel)
        except RequestRejected:
            self._met = self._seen = self._armed = None
            return
        if live is self._met:
            return
        self._met = self._armed = None
        now = asyncio.get_running_loop().time()
        if live is not self._seen:
            self._seen, self._patience_until = live, now + self._options.window.hold_s + OLD_RUN_S
            self._not_before, self._obstacle, self._before = -math.inf, "", {}
        if now < self._not_before or self._claim.held is None:
            return
        try:
            await self._settle(live, point)
        except (LinkError, DeviceRefused, RequestRejected) as fault:
            self._keep_off(f"{self.channel} cannot be prepared: {fault}", RETRY_S)

    async def _settle(self, live: LiveModule, point: Point) -> None:
        key = OutputKey(live.module.serial, live.module.firmware, point.number)
        verdict = self._verdicts.find(key)
        channel = OnOffChannel(live.line, live.type, point.number, client=self._claim.owner)
        choice = choose_drive(self._options.wish, verdict, self._options.contact or point.channel.contact)
        if choice.drive is DriveKind.DEADMAN:
            objection = await self._arm(live, channel, key)
            if objection is None:
                self._begin(live, verdict, choice)
                return
            if asyncio.get_running_loop().time() < self._patience_until:
                self._choice = choice
                self._keep_off(f"{self.channel} is {objection}", RETRY_S)
                return
            choice = drive_without(self._options.wish, objection)
        self._choice = self._with_remedy(choice, verdict)
        if choice.drive is DriveKind.REFUSED:
            self._keep_off(f"{self.channel}: {self._choice.notice}", GRUDGE_S)
            return
        for name in await channel.restore(self._before):
            _log.warning("%s: %s of %s could not be set back", self._claim.owner, name, self.channel)
        self._before = {}
        stuck = await channel.make_plain(lambda: self._write_off(live))
        if stuck is not None:
            self._keep_off(f"{self.channel}: {stuck}", GRUDGE_S)
            return
        self._met, self._obstacle = live, ""
        if self._options.wish is DriveWish.AUTO:
            _log.warning("%s: %s", self._claim.owner, self.notice)

    async def _arm(self, live: LiveModule, channel: OnOffChannel, key: OutputKey) -> str | None:
        settings = recipe(self._options.window.hold_s)
        self._before = self._before or await channel.told(setting.parameter for setting in settings)
        if not self._zeros.has(key):
            try:
                await channel.keep_zero()
            except DeviceRefused as refusal:
                return f"not armed: the module does not keep 0 as the value after a power cut: {refusal}"
            self._zeros.remember(key)
        return await channel.arm(settings, lambda: self._write_off(live))

    def _begin(self, live: LiveModule, verdict: Verdict, choice: DriveChoice) -> None:
        window = self._options.window
        self._armed = DeadManOutput(self._claim, live, self._board, self._desk, DeadManDrive(verdict, window))
        self._choice, self._met, self._obstacle, self._before = choice, live, "", {}
        _log.info("%s: %s is armed, it goes off %g s after the last trigger", self._claim.owner, self.channel, window.hold_s)

    async def _write_off(self, live: LiveModule) -> None:
        order = Order(
            channel=self.channel,
            value=False,
            who=self._claim.owner,
            claim=self._claim.held,
            turn=Turn.SAFETY,
            settles_in_s=FOLLOWS_WITHIN_S,
            still_due=lambda: not live.gone,
        )
        if self.is_on is False:
            await self._desk.repeat(order)
        else:
            await self._desk.carry_out(order)

    def _with_remedy(self, choice: DriveChoice, verdict: Verdict) -> DriveChoice:
        if verdict.semantics not in (Semantics.UNVERIFIED, Semantics.INCONCLUSIVE) or self._options.wish is DriveWish.PLAIN:
            return choice
        return DriveChoice(choice.drive, f"{choice.notice}: lucid2mqtt verify-deadman {self.channel.module} {self.channel.channel}")

    def _keep_off(self, why: str, retry_s: float) -> None:
        if why != self._obstacle:
            _log.warning("%s: %s", self._claim.owner, why)
        self._obstacle, self._not_before = why, later(retry_s)


def _before_any_module(wish: DriveWish) -> DriveChoice:
    return DriveChoice(DriveKind.DEADMAN if wish is DriveWish.DEADMAN else DriveKind.PLAIN)
