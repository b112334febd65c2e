"""A whole replay: every moment, the figures it comes to, and what has to be said about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.tuned import Tuned
from lucid2mqtt.errors import RequestRejected
from lucid2mqtt.replay.day import Command, Day
from lucid2mqtt.replay.moment import Moment
from lucid2mqtt.replay.recording import Playback, Recording
from lucid2mqtt.replay.simulation import Learned, Simulation, learn
from lucid2mqtt.replay.summary import Summary, Tally

OPEN_LOOP = "A recorded room does not answer: this is what the thermostat would have decided, not how warm it would have become."


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """`begins` (aware) is the wall clock at second 0; `note` and `learned` are sentences or empty."""

    title: str
    begins: datetime
    moments: Sequence[Moment]
    summary: Summary
    refusals: Sequence[tuple[Command, RequestRejected]]
    is_simulated: bool
    note: str = ""
    learned: str = ""

    @property
    def length_s(self) -> float:
        return self.moments[-1].at_s

    def summary_rows(self) -> Iterator[tuple[str, str]]:
        """What the figures are, and how they read."""
        summary = self.summary
        if summary.lowest_c is not None and summary.highest_c is not None:
            yield ("room" if self.is_simulated else "recorded", f"{summary.lowest_c:.2f} to {summary.highest_c:.2f} °C")
        if summary.rmse_k is not None and summary.highest_above_k is not None and summary.lowest_below_k is not None:
            yield "at the target", f"{summary.reached_share or 0.0:.0%} of the time"
            yield (
                "then off by",
                f"{summary.rmse_k:.3f} K RMSE, up to {summary.highest_above_k:.2f} K above and {summary.lowest_below_k:.2f} K below",
            )
        elif self.is_simulated:
            yield "at the target", "never"
        yield "relay", f"{summary.closures} closures, {summary.closures_per_day:.0f} a day"
        energy = "" if summary.energy_kwh is None else f", {summary.energy_kwh:.2f} kWh"
        yield "heat", f"{summary.heat_share:.0%} of full power{energy}"
        yield "alarms", ", ".join(summary.alarms) or "none"


def play_day(day: Day, options: ClimateOptions) -> Played:
    """A simulated day, after its lesson if it has one. RequestRejected when that autotune fails."""
    learned = learn(day, options) if day.lesson is not None else None
    simulation = Simulation(day, options, learned.tuned if learned is not None else None)
    moments, summary = _counted(simulation.run(), day.plant.power_w)
    return Played(
        title=day.title,
        begins=day.begins,
        moments=moments,
        summary=summary,
        refusals=simulation.refusals,
        is_simulated=True,
        learned=_lesson_words(learned) if learned is not None else "",
    )


def play_recording(recording: Recording, options: ClimateOptions, *, title: str) -> Played:
    """A recorded day, open loop."""
    playback = Playback(recording, options)
    moments, summary = _counted(playback.run(), None)
    return Played(
        title=title,
        begins=recording.begins,
        moments=moments,
        summary=summary,
        refusals=playback.refusals,
        is_simulated=False,
        note=OPEN_LOOP,
    )


def _counted(moments: Iterable[Moment], power_w: float | None) -> tuple[list[Moment], Summary]:
    tally, kept = Tally(power_w), list[Moment]()
    for moment in moments:
        tally.add(moment)
        kept.append(moment)
    return kept, tally.summary()


def _lesson_words(learned: Learned) -> str:
    tuned: Tuned = learned.tuned
    span = f"{learned.took_s / 3600:.1f} h" if learned.took_s >= 2 * 3600 else f"{learned.took_s / 60:.0f} min"
    return (
        f"Autotune before: {span}, {learned.excursion_k:.2f} K above its target; dead time {tuned.model.dead_time_s:.0f} s, "
        f"{tuned.model.rate_k_per_s * 3600:.2f} K/h at full power, holding takes {tuned.model.holding_duty:.0%}."
    )
