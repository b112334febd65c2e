"""An open window, told by a contact or by a sudden fall of the temperature: heating pauses, for a limited time.

A window that stays open longer than `longest_pause_s` gives an alarm and heating resumes: a forgotten window, or a
broken contact, must not let the house freeze. Where there is a contact it decides; the fall is watched without one, or
while the contact is unknown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lucid2mqtt.control.saved import Document, Saved

_SAMPLES = 60  # kept per span: enough for a slope, bounded whatever the sampling
_FEWEST_PER_HALF = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions:
    """Delays in seconds. `slope_k_per_h` is negative, None: no detection by fall. ValueError for what cannot be."""

    open_delay_s: float = 30.0
    close_delay_s: float = 30.0
    slope_k_per_h: float | None = -3.0
    slope_span_s: float = 300.0
    longest_pause_s: float = 1800.0

    def __post_init__(self) -> None:
        if self.slope_k_per_h is not None and self.slope_k_per_h >= 0:
            raise ValueError(f"slope_k_per_h {self.slope_k_per_h:g} is no fall; write a negative number, as in -3")
        if min(self.open_delay_s, self.close_delay_s) < 0 or min(self.slope_span_s, self.longest_pause_s) <= 0:
            raise ValueError("delays cannot be negative, slope_span_s and longest_pause_s must be more than 0")


class WindowState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"  # heating pauses
    FORGOTTEN = "forgotten"  # open for too long: alarm, heating goes on


class Cause(StrEnum):
    CONTACT = "contact"
    FALL = "falling temperature"


class WindowWatch:
    """Watches one room. `now` is monotonic, in seconds."""

    def __init__(self, options: WindowOptions) -> None:
        self._options = options
        self._state = WindowState.CLOSED
        self._cause = Cause.CONTACT
        self._open_since = 0.0
        self._contact: bool | None = None  # what the contact says, and since when
        self._contact_since = 0.0
        self._samples: deque[tuple[float, float]] = deque()

    @property
    def state(self) -> WindowState:
        return self._state

    @property
    def pauses_heating(self) -> bool:
        return self._state is WindowState.OPEN

    @property
    def alarm(self) -> str | None:
        """A sentence for the owner while a window is forgotten."""
        if self._state is not WindowState.FORGOTTEN:
            return None
        minutes = self._options.longest_pause_s / 60
        return f"window open for more than {minutes:.0f} min by {self._cause}: heating goes on; close it, or check the contact"

    def update(self, now: float, *, contact_open: bool | None = None, room_c: float | None = None) -> WindowState:
        """What the window is at `now`. `contact_open` None: no contact, or unknown; `room_c` None: no good reading."""
        self._take_sample(now, room_c)
        if contact_open is not self._contact:
            self._contact, self._contact_since = contact_open, now
        if self._state is WindowState.CLOSED:
            cause = self._opening(now)
            if cause is not None:
                self._state, self._cause, self._open_since = WindowState.OPEN, cause, now
        elif self._has_closed(now):
            self._state = WindowState.CLOSED
        elif now - self._open_since >= self._options.longest_pause_s:
            self._state = WindowState.FORGOTTEN
        return self._state

    def saved(self, now: float) -> Document:
        """What `restore` needs, to be kept on disk."""
        return {"state": self._state.value, "cause": self._cause.value, "open_s": max(0.0, now - self._open_since)}

    def restore(self, document: Mapping[str, object], now: float) -> None:
        """Goes on from what `saved` gave; the time in between does not count. ValueError, and nothing changed, for anything else."""
        saved = Saved(document)
        state, cause, open_s = WindowState(saved.text("state")), Cause(saved.text("cause")), saved.number("open_s", minimum=0.0)
        self._state, self._cause, self._open_since = state, cause, now - open_s

    def _opening(self, now: float) -> Cause | None:
        if self._contact is not None:
            is_open = self._contact and now - self._contact_since >= self._options.open_delay_s
            return Cause.CONTACT if is_open else None
        threshold = self._options.slope_k_per_h
        if threshold is None:
            return None
        slopes = self._slopes(now)
        # a step, as when another sensor takes over, falls in one half only
        return Cause.FALL if slopes is not None and max(slopes) < threshold else None

    def _has_closed(self, now: float) -> bool:
        if self._contact is not None:
            return not self._contact and now - self._contact_since >= self._options.close_delay_s
        if self._cause is Cause.CONTACT:
            return False  # a contact that went silent: the longest pause bounds what it said last
        slopes = self._slopes(now)
        return slopes is not None and min(slopes) >= 0

    def _take_sample(self, now: float, room_c: float | None) -> None:
        span_s = self._options.slope_span_s
        while self._samples and self._samples[0][0] < now - span_s:
            self._samples.popleft()
        is_due = not self._samples or now - self._samples[-1][0] >= span_s / _SAMPLES
        if room_c is not None and is_due:
            self._samples.append((now, room_c))

    def _slopes(self, now: float) -> tuple[float, float] | None:
        """K/h in the older and the newer half of the span; None while there are too few samples to say."""
        middle = now - self._options.slope_span_s / 2
        older = [sample for sample in self._samples if sample[0] < middle]
        newer = [sample for sample in self._samples if sample[0] >= middle]
        if min(len(older), len(newer)) < _FEWEST_PER_HALF or not self._reaches_back(now):
            return None
        return _slope_k_per_h(older), _slope_k_per_h(newer)

    def _reaches_back(self, now: float) -> bool:
        return now - self._samples[0][0] >= 0.9 * self._options.slope_span_s


def _slope_k_per_h(samples: Sequence[tuple[float, float]]) -> float:
    """Least squares through three samples or more at different times."""
    mean_at = sum(at for at, _ in samples) / len(samples)
    mean_c = sum(celsius for _, celsius in samples) / len(samples)
    spread = sum((at - mean_at) ** 2 for at, _ in samples)
    return 3600 * sum((at - mean_at) * (celsius - mean_c) for at, celsius in samples) / spread
