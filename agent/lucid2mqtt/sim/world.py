"""A world: virtual modules, and what happens at their terminals. Pure; time is a parameter."""

from __future__ import annotations

from collections.abc import Sequence

from lucid2mqtt.sim.module import VirtualModule


class World:
    """Modules with nothing at their terminals; subclasses let something happen.

    `speed` is how many seconds pass in the world per second on the modules' clock; the modules themselves keep their pace.
    """

    def __init__(self, modules: Sequence[VirtualModule], *, speed: float = 1.0) -> None:
        if not 0 < speed <= 10_000:
            raise ValueError(f"speed must be more than 0 and at most 10000, not {speed:g}")
        self.modules = tuple(modules)
        self.speed = speed
        self._now: float | None = None

    def step(self, now: float) -> None:
        """Let everything happen until `now` on the modules' clock. The first call begins; later ones come every few seconds at most."""
        for module in self.modules:
            module.advance(now)
        if self._now is not None and now > self._now:
            self.happen(self._now, now)
        self._now = now

    def happen(self, since: float, now: float) -> None:
        """What happens at the terminals from `since` to `now`."""
        del since, now
