"""Who goes next on a line: safety, then commands, then the others by turns.

A plain priority queue would let two busy legacy clients starve polling to zero; here every SHARED client has a lane
of its own, and one job of each lane goes per round. Safety and commands go in order of arrival: the last command wins.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from lucid2mqtt.lucid.exchange import Turn

PER_CLIENT = 8
"""Jobs one client may have waiting in one class."""
PER_CLASS = 128
"""Jobs that may wait in one class; a flood in one class never refuses another."""


class Waiting(Protocol):
    """What the queue has to know of a job. `due` is the loop time in seconds after which it must not be sent."""

    @property
    def turn(self) -> Turn: ...
    @property
    def client(self) -> str: ...
    @property
    def due(self) -> float: ...
    @property
    def abandoned(self) -> bool: ...


J = TypeVar("J", bound=Waiting)


class TurnQueue(Generic[J]):
    """Bounded queue of jobs. Abandoned jobs are never handed out, and make room when it gets tight."""

    def __init__(self, *, per_client: int = PER_CLIENT, per_class: int = PER_CLASS) -> None:
        self._per_client = per_client
        self._per_class = per_class
        self._classes: dict[Turn, _Lanes[J]] = {turn: _Lanes(by_client=turn is Turn.SHARED) for turn in sorted(Turn)}

    def __len__(self) -> int:
        return sum(len(lanes) for lanes in self._classes.values())

    def push(self, job: J) -> bool:
        """Takes `job` in; False when its client or its class has no room left."""
        lanes = self._classes[job.turn]
        if not self._has_room(lanes, job.client):
            lanes.take(lambda waiting: waiting.abandoned)
            if not self._has_room(lanes, job.client):
                return False
        lanes.push(job)
        return True

    def pop(self) -> J | None:
        """The job whose turn it is; None when nobody waits."""
        for lanes in self._classes.values():
            while lanes:
                job = lanes.pop()
                if not job.abandoned:
                    return job
        return None

    def take_due(self, now: float) -> list[J]:
        """Takes out every job whose time is over at `now`."""
        return self._take(lambda job: job.due <= now)

    def take_all(self) -> list[J]:
        """Empties the queue."""
        return self._take(lambda _: True)

    def next_due(self) -> float | None:
        """When the first of the waiting jobs becomes due; None when nobody waits."""
        return min((job.due for lanes in self._classes.values() for job in lanes), default=None)

    def _take(self, wanted: Callable[[J], bool]) -> list[J]:
        return [job for lanes in self._classes.values() for job in lanes.take(wanted) if not job.abandoned]

    def _has_room(self, lanes: _Lanes[J], client: str) -> bool:
        return len(lanes) < self._per_class and lanes.waiting(client) < self._per_client


class _Lanes(Generic[J]):
    """The jobs of one class: a lane for each client in turn, or one lane for all of them."""

    def __init__(self, *, by_client: bool) -> None:
        self._by_client = by_client
        self._lanes: OrderedDict[str, deque[J]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[J]:
        return (job for lane in self._lanes.values() for job in lane)

    def waiting(self, client: str) -> int:
        if self._by_client:
            return len(self._lanes.get(client, ()))
        return sum(job.client == client for job in self)

    def push(self, job: J) -> None:
        self._lanes.setdefault(job.client if self._by_client else "", deque()).append(job)
        self._count += 1

    def pop(self) -> J:
        name, lane = next(iter(self._lanes.items()))
        job = lane.popleft()
        self._count -= 1
        if lane:
            self._lanes.move_to_end(name)
        else:
            del self._lanes[name]
        return job

    def take(self, wanted: Callable[[J], bool]) -> list[J]:
        """Takes out the jobs that are `wanted`, keeping the order of the others."""
        taken = [job for job in self if wanted(job)]
        if taken:
            kept = [(name, deque(job for job in lane if not wanted(job))) for name, lane in self._lanes.items()]
            self._lanes = OrderedDict((name, lane) for name, lane in kept if lane)
            self._count -= len(taken)
        return taken
