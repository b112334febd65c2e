"""A thermostat as those see it who show it and pass commands on; nothing of the controller is loaded for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # a start without thermostats loads nothing of them
    from lucid2mqtt.climate.options import ClimateOptions
    from lucid2mqtt.climate.state import ClimateListener, ClimateState


class ClimateView(Protocol):
    """A thermostat. Commands are in force with its next step, raise RequestRejected, and change nothing then."""

    @property
    def options(self) -> ClimateOptions: ...

    def state(self) -> ClimateState: ...

    def subscribe(self, listener: ClimateListener) -> Callable[[], None]: ...

    def set_mode(self, name: str) -> None: ...

    def set_target(self, target_c: float) -> None: ...

    def set_preset(self, name: str, for_s: float | None = None) -> None: ...

    def set_duty(self, duty: float) -> None: ...

    def start_autotune(self) -> None: ...

    def abort_autotune(self) -> None: ...

    def undo_autotune(self) -> None: ...

    def reset_alarms(self) -> None: ...
