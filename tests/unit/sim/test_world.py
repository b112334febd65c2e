import pytest

from lucid2mqtt.sim.world import World
from tests.unit.sim.talk import prompt_module


class Diary(World):
    def __init__(self) -> None:
        super().__init__([prompt_module("DI4")])
        self.spans: list[tuple[float, float]] = []

    def happen(self, since: float, now: float) -> None:
        self.spans.append((since, now))


def test_the_first_step_begins_wherever_the_clock_stands() -> None:
    world = Diary()
    world.step(1e6)
    world.step(1e6 + 0.5)
    world.step(1e6 + 0.5)
    assert world.spans == [(1e6, 1e6 + 0.5)]


def test_nothing_happens_in_a_world_nobody_wrote() -> None:
    world = World([prompt_module("DI4")])
    world.step(0.0)
    world.step(1.0)
    assert world.modules[0].journal.requests == []


@pytest.mark.parametrize("speed", [0.0, -1.0, 10_001.0, float("nan")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        World([], speed=speed)
