"""What the thermostat of the demonstration remembers: an autotune, as if it had learned this house before.

Without it, it would take the house for an ordinary room, which lives many times slower than one under `--speed`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from lucid2mqtt.climate.aim import Aiming
from lucid2mqtt.control.thermostat import Thermostat
from lucid2mqtt.control.tuned import Origin, Tuned
from lucid2mqtt.control.tuning import PlantModel
from lucid2mqtt.engine.store import write_atomically
from lucid2mqtt.settings import Settings

_RATE_K_PER_S = 0.00125
_DEAD_TIME_S = 480.0
_PERIOD_S = 2700.0
_READING_S = 2.0  # until a change has come through the module's scan, however fast the house is


def house_model(speed: float) -> PlantModel:
    """What an autotune finds in `sim.house` at `speed`."""
    return PlantModel(
        rate_k_per_s=_RATE_K_PER_S * speed,
        dead_time_s=_DEAD_TIME_S / speed + _READING_S,
        holding_duty=0.37,
        ultimate_gain=1.6,
        ultimate_period_s=_PERIOD_S / speed + 4.0 * _READING_S,
        loss_duty_per_k=0.03,
    )


def remember_the_room(settings: Settings, speed: float) -> None:
    """Puts what each thermostat of `settings` would know of the house into the state directory."""
    model = house_model(speed)
    for options in settings.climate_options():
        thermostat = Thermostat(options.control)
        thermostat.adopt(Tuned(model.gains(options.control.rule), model, Origin.AUTOTUNE))
        document = {
            "saved_at": datetime.now(UTC).isoformat(),
            "mode": options.mode.value,
            "manual_duty": 0.0,
            "aim": Aiming(options).saved(0.0),
            "relays": {},
            "controller": thermostat.saved(),
        }
        write_atomically(settings.state_dir / f"thermostat-{options.name}.json", json.dumps(document).encode())
