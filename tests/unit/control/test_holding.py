from __future__ import annotations

from lucid2mqtt.control.holding import HoldingDuty


def watch(duties: list[float], *, moves_at: int | None = None) -> float | None:
    holding = HoldingDuty()
    for k, duty in enumerate(duties):
        found = holding.step(10.0 * k, duty, 10.0, span_s=100.0, is_calm=k != moves_at)
        if found is not None:
            return found
    return None


def test_two_spans_that_agree_give_their_mean() -> None:
    found = watch([0.4] * 11 + [0.42] * 11)
    assert found is not None
    assert abs(found - 0.41) < 0.005


def test_a_duty_that_still_drifts_is_not_taken() -> None:
    assert watch([0.1 + 0.02 * k for k in range(40)]) is None


def test_motion_begins_anew() -> None:
    assert watch([0.4] * 25, moves_at=12) is None
