"""What one thermostat is to achieve now: mode, preset, schedule, window and early start put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.control.optimum_start import OptimumStart, WarmUpModel, next_rise
from lucid2mqtt.control.presets import Presets, Target
from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.control.schedule import clock_objection
from lucid2mqtt.control.tuned import Tuned
from lucid2mqtt.control.window import WindowState, WindowWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the aim depends on. `now` is loop time, `wall` aware; None: not known."""

    now: float
    wall: datetime
    mode: Mode
    room_c: float | None
    outdoor_c: float | None
    contact_open: bool | None
    tuned: Tuned
    is_tuning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What the controller is told, and why."""

    mode: Mode
    target_c: float | None
    reason: str
    pause: str = ""  # a sentence while nothing may be given at all
    notices: tuple[str, ...] = ()


class Aiming:
    """Remembers what was chosen."""

    def __init__(self, options: ClimateOptions) -> None:
        self._options = options
        self.presets = Presets(options.presets, manual_c=options.target_c, preset=options.preset)
        self._window = WindowWatch(options.window) if options.window is not None else None
        self._early = OptimumStart(None)

    def at(self, seen: Circumstances) -> Aim:
        """The aim in these circumstances; call it at every step."""
        schedule, window = self._options.schedule, self._window
        if schedule is not None:
            self.presets.follow(schedule.in_force(seen.wall))
        if window is not None:
            window.update(seen.now, contact_open=seen.contact_open, room_c=seen.room_c)
        is_open = window is not None and window.pauses_heating
        chosen = self.chosen(seen.now)
        target = self._target(seen.now, is_off=seen.mode is Mode.OFF, window_open=is_open)
        mode, target_c = _without_cooling(seen.mode, target) if target.heats_only else (seen.mode, target.target_c)
        reason = target.reason
        if is_open or seen.mode not in (Mode.HEAT, Mode.AUTO):
            self._early.abandon()
        elif (early_c := self._early_c(seen, chosen)) is not None:
            target_c, reason = early_c, "heats early for the next switching time"
        return Aim(
            mode=mode,
            target_c=target_c,
            reason=reason,
            pause=_pause(seen) if is_open else "",
            notices=self._notices(seen.wall),
        )

    def chosen(self, now: float) -> Target:
        """What preset, hand and schedule ask for, whatever mode and window make of it."""
        return self._target(now)

    @property
    def window(self) -> WindowState:
        return self._window.state if self._window is not None else WindowState.CLOSED

    def saved(self, now: float) -> Document:
        """What `restore` needs, to be kept on disk."""
        return {
            "presets": self.presets.saved(now),
            "window": self._window.saved(now) if self._window is not None else None,
            "early": self._early.saved(),
        }

    def restore(self, document: Mapping[str, object], now: float, *, away_s: float | None) -> None:
        """Goes on from what `saved` gave; ValueError when a part of it is spoilt, the parts before it stand."""
        saved = Saved(document)
        self.presets.restore(saved.document("presets"), now, outage_s=away_s)
        self._early.restore(saved.document("early"))
        window = saved.optional_document("window")
        if window is not None and self._window is not None:
            self._window.restore(window, now)

    def _target(self, now: float, *, is_off: bool = False, window_open: bool = False) -> Target:
        follows = self._options.schedule is not None
        return self.presets.target(now, follows_schedule=follows, is_off=is_off, window_open=window_open)

    def _early_c(self, seen: Circumstances, chosen: Target) -> float | None:
        """The next scheduled target where it is time to begin; None while something else than the schedule rules."""
        schedule = self._options.schedule
        if schedule is None or not self._options.starts_early or chosen.target_c is None or not chosen.from_schedule:
            self._early.abandon()
            return None
        self._early.model = _warm_up(seen.tuned)
        options = self._options.presets
        rise = next_rise(schedule.upcoming(seen.wall), options.target_of, above_c=chosen.target_c, before=seen.wall + self._early.horizon)
        return self._early.update(seen.now, seen.wall, rise, seen.room_c, seen.outdoor_c)

    def _notices(self, wall: datetime) -> tuple[str, ...]:
        clock = clock_objection(wall) if self._options.schedule is not None else None
        window = self._window.alarm if self._window is not None else None
        return tuple(notice for notice in (clock, window) if notice)


def _pause(seen: Circumstances) -> str:
    """What an open window forbids outright, because nobody controls to the low target that it brings; a sentence, or nothing."""
    if seen.is_tuning:  # its swings look like a window, so only a contact is believed
        return "a window was opened" if seen.contact_open else ""
    return "a window is open, and there is no temperature to protect from frost by" if seen.room_c is None else ""


def _without_cooling(mode: Mode, target: Target) -> tuple[Mode, float | None]:
    """A target that is a floor: it may be heated to, never cooled to."""
    if mode is Mode.COOL:
        return mode, None
    return (Mode.HEAT if mode is Mode.AUTO else mode), target.target_c


def _warm_up(tuned: Tuned) -> WarmUpModel | None:
    """How the room warms, as the autotune found it; None before."""
    model = tuned.model
    if not tuned.is_measured:
        return None
    return WarmUpModel(rate_k_per_s=model.rate_k_per_s, delay_s=model.dead_time_s, loss_per_s=model.loss_duty_per_k * model.rate_k_per_s)
