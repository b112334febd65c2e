"""The bench is run by hand; here only that it still runs, and that it says what product and design promise."""

from __future__ import annotations

from lucid2mqtt.control.tuned import Tuned
from tests.bench.thermostat import BEDS, Ours, Tuning, autotune, contenders, run, scenarios


def tuned_room() -> Tuning:
    return autotune(BEDS["light room"])


def test_in_disturbed_days_the_own_law_beats_every_peer_in_accuracy_and_all_but_hysteresis_in_wear() -> None:
    bed, tuned = BEDS["light room"], tuned_room().tuned
    disturbed = next(scenario for scenario in scenarios(bed, 1) if scenario.name == "disturbed")
    scores = {name: run(bed, disturbed, make(disturbed), 1) for name, make in contenders(bed, tuned).items()}
    ours = scores.pop(Ours.name)
    assert ours.rmse_k <= 0.06
    assert ours.closures_per_day <= 145
    assert all(peer.rmse_k > ours.rmse_k for peer in scores.values())


def test_the_autotune_of_the_bench_keeps_its_time_and_excursion() -> None:
    tuning = tuned_room()
    assert isinstance(tuning.tuned, Tuned)
    assert tuning.hours <= 8.0
    assert tuning.excursion_k <= 0.5
