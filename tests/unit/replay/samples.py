"""A thermostat and days to play it through."""

from __future__ import annotations

from dataclasses import replace

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.control.failure import LossStage
from lucid2mqtt.control.plants import LIGHT_ROOM
from lucid2mqtt.control.tuned import Origin, Tuned
from lucid2mqtt.control.tuning import PlantModel, Rule
from lucid2mqtt.control.window import WindowState
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.replay.day import Circumstance, Command, Day, Trouble
from lucid2mqtt.replay.moment import Moment

HOUR_S = 3600.0
ROOM = ClimateOptions(name="living", sensors=(ChannelRef("rtd", "room"),), heating=(ChannelRef("heaters", "living"),))
LEARNED = PlantModel(
    rate_k_per_s=0.00118, dead_time_s=670.0, holding_duty=0.5, ultimate_gain=1.8, ultimate_period_s=3420.0, loss_duty_per_k=0.02
)
TUNED = Tuned(LEARNED.gains(Rule.SIMC_PID), LEARNED, Origin.AUTOTUNE)


def day(*, hours: float = 6.0, start_c: float = 21.0, commands: tuple[Command, ...] = (), troubles: tuple[Circumstance, ...] = ()) -> Day:
    return Day(plant=LIGHT_ROOM, start_c=start_c, length_s=hours * HOUR_S, commands=commands, circumstances=troubles)


def trouble(kind: Trouble, value: str | float, *, at_h: float = 1.0, hours: float = float("inf"), sensor: int = 0) -> Circumstance:
    return Circumstance(at_h * HOUR_S, (at_h + hours) * HOUR_S, kind, value, sensor)


def moment(at_s: float, **changes: object) -> Moment:
    still = Moment(
        at_s=at_s,
        reading_c=21.0,
        true_c=21.0,
        target_c=21.0,
        outdoor_c=1.0,
        mode=Mode.HEAT,
        setpoint_c=21.0,
        duty=0.5,
        delivered=0.0,
        closed=0,
        stage=LossStage.NONE,
        window=WindowState.CLOSED,
        alarms=(),
        reason="heats to 21 °C",
        autotune=None,
    )
    return replace(still, **changes)  # type: ignore[arg-type] # whichever fields a test names
