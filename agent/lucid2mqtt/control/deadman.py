"""The dead-man drive: a heater that goes off by itself unless it is triggered again and again.

The channel runs in on-off mode (protocol page 8): writing 1 starts a run that ends by itself after the hold time. Killed
agent, hung host, pulled cable: the heater is off within the hold window. What a second 1 does to a run is published
nowhere, so the drive is used only where that was tried on the module itself (`deadman_trial`) or declared by the owner.
This is a control function, not a certified limiter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.domain.channel import Contact


class Semantics(StrEnum):
    """What a 1 does that is written while a run is under way."""

    EXTENDS = "extends"  # the hold begins anew, the output stays on
    RETRIGGERS_WITH_GAP = "retriggers with gap"  # the on-delay begins anew: a short off
    NEEDS_ZERO_FIRST = "needs zero first"  # nothing, but 0 and then 1 begins a new run: a short off
    IGNORED = "ignored"  # nothing, nor do 0 and then 1: a run can only end
    NEVER_DROPS = "never drops"  # no run ends by itself
    UNVERIFIED = "unverified"  # never tried
    INCONCLUSIVE = "inconclusive"  # tried, but it could not be seen


_UNPROVEN = (Semantics.UNVERIFIED, Semantics.INCONCLUSIVE)
_GAPPED = (Semantics.RETRIGGERS_WITH_GAP, Semantics.NEEDS_ZERO_FIRST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is known about a module's on-off mode. `cancels`: a 0 ends a run at once; None: not seen. `sentence` tells the owner how sure it is."""

    semantics: Semantics = Semantics.UNVERIFIED
    cancels: bool | None = None
    triggers_after_end: bool | None = None  # a bare 1 after a run has ended begins the next
    sentence: str = "the on-off mode of this module was never tried"

    def saved(self) -> Document:
        """What `from_saved` needs, to be kept on disk with the module's serial number and firmware."""
        return {
            "semantics": self.semantics.value,
            "cancels": self.cancels,
            "triggers_after_end": self.triggers_after_end,
            "sentence": self.sentence,
        }

    @classmethod
    def from_saved(cls, document: Mapping[str, object]) -> Verdict:
        """The verdict that `saved` gave; ValueError for anything else."""
        saved = Saved(document)
        return cls(
            semantics=Semantics(saved.text("semantics")),
            cancels=saved.optional_flag("cancels"),
            triggers_after_end=saved.optional_flag("triggers_after_end"),
            sentence=saved.text("sentence"),
        )


class DriveWish(StrEnum):
    """The setting `drive`."""

    AUTO = "auto"
    DEADMAN = "deadman"
    PLAIN = "plain"


class DriveKind(StrEnum):
    """How the heater is driven. REFUSED: the thermostat does not start; AUTO never gives it."""

    DEADMAN = "deadman"
    PLAIN = "plain"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class DriveChoice:
    """`notice` is for the owner: what is missing and what follows from it; empty when nothing is."""

    drive: DriveKind
    notice: str = ""


def choose_drive(wish: DriveWish, verdict: Verdict, contact: Contact | None) -> DriveChoice:
    """Which drive to use on a channel; `contact` None (unknown) is treated as a relay."""
    if wish is DriveWish.PLAIN:
        return DriveChoice(DriveKind.PLAIN, "plain drive by the settings: a heater that is on stays on when this program or its host dies")
    objection = deadman_objection(verdict, contact)
    if objection is None:
        notice = "" if verdict.cancels else "a 0 is not known to end a run: switching off can take up to the hold window"
        return DriveChoice(DriveKind.DEADMAN, notice)
    return drive_without(wish, objection)


def drive_without(wish: DriveWish, objection: str) -> DriveChoice:
    """What is left where the dead-man drive cannot be used because of `objection`."""
    if wish is DriveWish.DEADMAN:
        return DriveChoice(DriveKind.REFUSED, f"drive: deadman cannot be used, the thermostat does not start: {objection}")
    return DriveChoice(DriveKind.PLAIN, f"no dead-man drive, a heater that is on stays on when this program or its host dies: {objection}")


def deadman_objection(verdict: Verdict, contact: Contact | None) -> str | None:
    """Why the dead-man drive cannot be used, with the remedy, as a sentence; None when it can."""
    semantics = verdict.semantics
    if semantics in _UNPROVEN:
        return f"{verdict.sentence}; run verify-deadman with the heater disconnected"
    if semantics is Semantics.NEVER_DROPS:
        return "this module's outputs do not go off by themselves; use an external watchdog relay"
    if semantics is Semantics.IGNORED:
        return "this module cannot prolong a run, the heater would drop at the end of each; use an external watchdog relay"
    if semantics in _GAPPED and contact is not Contact.SOLID_STATE:
        kind = contact or "unknown"
        return (
            f"this module drops its output shortly at every trigger, which a solid-state contact bears but a {kind} contact does not "
            "(thousands of switchings a day); use a module with solid-state outputs, or an external watchdog relay"
        )
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldWindow:
    """The heater is off at most `hold_s` after the last trigger; one comes every `retrigger_s`. ValueError for windows that cannot work."""

    hold_s: float = 15.0
    retrigger_s: float = 5.0

    def __post_init__(self) -> None:
        if not self.retrigger_s >= 0.5 or not self.hold_s < 3600:
            raise ValueError("retrigger_s must be 0.5 or more, hold_s less than 3600")
        if self.hold_s < 3 * self.retrigger_s:
            raise ValueError(f"hold_s {self.hold_s:g} must be at least 3 x retrigger_s, {3 * self.retrigger_s:g}: single triggers may fail")


class Action(StrEnum):
    """What the engine is to write to the channel."""

    TRIGGER = "trigger"  # 1
    RESTART = "restart"  # 0, RESTART_PAUSE_S, 1
    CANCEL = "cancel"  # 0
    NONE = "none"


RESTART_PAUSE_S = 0.1
"""Between the 0 and the 1 of a restart: several steps of the output engine (10 ms, protocol page 7.2), so that the 0 has taken effect."""

RETRY_S = 1.0
"""From an action that failed to the next attempt; never longer than the retrigger period."""


@dataclass(frozen=True, slots=True)
class Step:
    """`ask_again_at`: when the drive wants to be asked next at the latest; None: only when the wish changes."""

    action: Action
    ask_again_at: float | None


class DeadManDrive:
    """Keeps one armed output on by triggering it in time. All times are monotonic seconds.

    The engine asks `next_step` when the wish changes and when it is time, carries the action out, and tells `succeeded`
    or `failed` before it asks again. Where no run is believed to be under way, a 1 follows only a 0 that was acknowledged:
    some modules take no second 1 without it.
    """

    def __init__(self, verdict: Verdict, window: HoldWindow) -> None:
        """`verdict` is one that `deadman_objection` has nothing against. What the channel was told before is unknown."""
        self._always_restarts = verdict.semantics is Semantics.NEEDS_ZERO_FIRST
        self._window = window
        self._zero_sent_at: float | None = None  # of an acknowledged 0 after which nothing was sent
        self._triggered_at: float | None = None  # when the last acknowledged 1 was sent, while its run is believed
        self._failed: Action | None = None
        self._failed_at = 0.0
        self._failures = 0
        self._lapses = 0

    @property
    def lapses(self) -> int:
        """How often the output has gone off although it was wanted on."""
        return self._lapses

    @property
    def is_running(self) -> bool:
        """A run is believed to be under way."""
        return self._triggered_at is not None

    @property
    def failures(self) -> int:
        """How many actions in a row failed; single ones are what the hold window is for."""
        return self._failures

    @property
    def fault(self) -> str | None:
        """A sentence for the owner while writes do not get through."""
        if self._failed is None:
            return None
        return f"{self._failures} in a row failed to reach the heater output; it goes off by itself within {self._window.hold_s:g} s"

    def next_step(self, now: float, *, wanted: bool) -> Step:
        """What to do at `now`."""
        if self._triggered_at is not None and now >= self._triggered_at + self._window.hold_s:
            self._triggered_at = None
            self._lapses += wanted
        retry_at = self._failed_at + min(RETRY_S, self._window.retrigger_s)
        is_same_wish = wanted is (self._failed is not Action.CANCEL)
        if self._failed is not None and is_same_wish and now < retry_at:
            return Step(Action.NONE, retry_at)
        if wanted:
            return self._towards_on(now)
        return Step(Action.CANCEL, now) if self._zero_sent_at is None else Step(Action.NONE, None)

    def succeeded(self, action: Action, sent_at: float) -> None:
        """The module acknowledged `action`, whose last write was sent at `sent_at`."""
        self._failed = None
        self._failures = 0
        is_zero = action is Action.CANCEL
        self._zero_sent_at = sent_at if is_zero else None
        self._triggered_at = None if is_zero else sent_at

    def failed(self, action: Action, now: float) -> None:
        """`action` was refused or not acknowledged; whether it was carried out is not known."""
        self._failed = action
        self._failed_at = now
        self._failures += 1
        self._zero_sent_at = None
        if action is Action.CANCEL:
            self._triggered_at = None  # the run may be over

    def found_off(self) -> None:
        """The output was seen off, by a read-back that shows the timed state: whatever run was believed is over."""
        self._lapses += self._triggered_at is not None
        self._triggered_at = None

    def _towards_on(self, now: float) -> Step:
        if self._triggered_at is not None:
            due_at = self._triggered_at + self._window.retrigger_s
            if now < due_at:
                return Step(Action.NONE, due_at)
            return Step(Action.RESTART if self._always_restarts else Action.TRIGGER, now)
        if self._zero_sent_at is None:
            return Step(Action.RESTART, now)
        settled_at = self._zero_sent_at + RESTART_PAUSE_S
        return Step(Action.TRIGGER, now) if now >= settled_at else Step(Action.NONE, settled_at)
