import pytest

from lucid2mqtt.lucid.families import FAMILIES
from lucid2mqtt.sim.quirks import COMFORTABLE
from lucid2mqtt.sim.worlds import build_world, many
from tests.unit.sim.talk import PROMPT, peek


def test_all_has_one_module_of_every_family() -> None:
    assert [module.family.class_code for module in build_world("all").modules] == list(FAMILIES)


@pytest.mark.parametrize("name", ["house", "all", "many:5:RI8"])
def test_serial_numbers_are_stable_and_differ(name: str) -> None:
    first, second = ([module.identity.serial for module in build_world(name).modules] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)


def test_many_makes_that_many_commissioned_modules() -> None:
    world = build_world("many:64:DO8", quirks=COMFORTABLE)
    assert len(world.modules) == 64
    assert {module.family.name for module in world.modules} == {"DO8"}
    assert world.modules[0].quirks is COMFORTABLE
    assert all(peek(module, 7, 0x1100, 0.0) == 1 for module in many(2, "DO8", quirks=PROMPT))


@pytest.mark.parametrize("name", ["", "hause", "many", "many:5", "many:x:RI4", "many:0:RI4", "many:9999:RI4", "many:5:RI5", "house:2"])
def test_a_world_that_is_none_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(ValueError, match=r"there are|possible are"):
        build_world(name)


def test_speed_is_handed_on() -> None:
    assert build_world("house", speed=60.0).speed == 60.0
    assert build_world("many:1:RI4", speed=2.0).speed == 2.0
