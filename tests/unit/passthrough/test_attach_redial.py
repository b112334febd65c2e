from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.passthrough.attach_redial import FASTEST_S, SLOWEST_S, STEADY_S, Redial


def test_each_failure_doubles_the_wait_up_to_a_limit() -> None:
    redial = Redial()
    waits = [redial.delay_s(0.0) for _ in range(12)]
    assert waits[:4] == [FASTEST_S, 2 * FASTEST_S, 4 * FASTEST_S, 8 * FASTEST_S]
    assert waits[-1] == SLOWEST_S


def test_only_a_connection_that_lasted_makes_it_quick_again() -> None:
    redial = Redial()
    for _ in range(5):
        redial.delay_s(0.0)
    redial.lasted(STEADY_S / 2)
    assert redial.delay_s(0.0) > FASTEST_S
    redial.lasted(STEADY_S)
    assert redial.delay_s(0.0) == FASTEST_S


@given(st.integers(0, 2000), st.floats(0, 1))
def test_a_wait_is_never_nothing_and_never_too_long(failures: int, spread: float) -> None:
    redial = Redial()
    for _ in range(failures):
        redial.delay_s(0.0)
    assert FASTEST_S / 2 <= redial.delay_s(spread) <= SLOWEST_S
