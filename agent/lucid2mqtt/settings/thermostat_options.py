"""From the keys of a thermostat to the options of the engine and the controller; loaded only where there is a thermostat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.analog_drive import AnalogOptions
from lucid2mqtt.control.autotune import AutotuneOptions
from lucid2mqtt.control.deadman import DriveWish, HoldWindow
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.control.failure import Failsafe, FailureOptions, LoopBreakAction
from lucid2mqtt.control.feedforward import FeedForwardOptions
from lucid2mqtt.control.limiter import LimiterKind, LimiterOptions, OnTimeOptions
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.presets import OFFERED, Preset, PresetOptions
from lucid2mqtt.control.regulator import LawKind, RegulatorOptions
from lucid2mqtt.control.schedule import Schedule, parse_schedule
from lucid2mqtt.control.sensing import Fusion, SensingOptions
from lucid2mqtt.control.staging import Arrangement, BankOptions
from lucid2mqtt.control.tuning import Gains, Rule
from lucid2mqtt.control.window import WindowOptions
from lucid2mqtt.domain.channel import Contact
from lucid2mqtt.domain.names import ChannelRef, heading, slug
from lucid2mqtt.engine.remote import REPEAT_S
from lucid2mqtt.settings.declared import Declared
from lucid2mqtt.settings.modules import ModuleSettings
from lucid2mqtt.settings.thermostat_control import LimiterSettings
from lucid2mqtt.settings.thermostat_drive import AnalogSettings, DriveKeys
from lucid2mqtt.settings.thermostat_sources import SourceSettings, channel_ref, source_channels
from lucid2mqtt.settings.thermostats import ScheduleSettings, ThermostatSettings, WindowSettings
from lucid2mqtt.settings.zones import machine_zone, zone_named


def house_options(thermostats: Sequence[ThermostatSettings], modules: Sequence[ModuleSettings]) -> tuple[ClimateOptions, ...]:
    """All thermostats, each with the pace at which its sensors are read. ValueError as below."""
    declared = Declared(modules)
    by_topic = source_channels(source for thermostat in thermostats for source in thermostat.sources)
    return tuple(climate_options(thermostat, by_topic, sample_s=_sample_s(thermostat, declared)) for thermostat in thermostats)


def climate_options(
    settings: ThermostatSettings, by_topic: Mapping[SourceSettings, ChannelRef], *, sample_s: float = 1.0
) -> ClimateOptions:
    """One thermostat. `by_topic` has the channels of what comes by topic, `sample_s` is how often its sensors are read.

    ValueError for what does not fit together; `thermostat_review` has found it before, with its place.
    """
    window = settings.window
    return ClimateOptions(
        name=slug(settings.name),
        label=heading(settings.name),
        sensors=tuple(_source(source, by_topic) for source in settings.sensors),
        heating=tuple(map(channel_ref, settings.heater)),
        cooling=tuple(map(channel_ref, settings.cooler)),
        limiter=None if settings.limiter is None else channel_ref(settings.limiter.sensor),
        outdoor=None if settings.outdoor is None else _source(settings.outdoor, by_topic),
        window_contact=None if window is None or window.contact is None else channel_ref(window.contact),
        window_open_is=window is None or window.open_is,
        control=_control(settings, sample_s),
        presets=_presets(settings),
        schedule=None if settings.schedule is None else _schedule(settings.schedule),
        starts_early=settings.schedule is None or settings.schedule.starts_early,
        window=None if window is None else _window(window),
        drive=DriveWish(settings.drive),
        hold=HoldWindow(hold_s=settings.hold_s, retrigger_s=settings.retrigger_s),
        mode=Mode(settings.mode or ("heat" if settings.heater else "cool")),
        target_c=_within_limits(settings, settings.target_c) if "target_c" not in settings.model_fields_set else settings.target_c,
        preset=Preset(settings.preset),
        rated_closures=settings.rated_closures,
    )


def _sample_s(settings: ThermostatSettings, declared: Declared) -> float:
    polls = [declared.channel(channel_ref(sensor.channel)).poll_s for sensor in settings.sensors if sensor.channel is not None]
    return max(polls, default=REPEAT_S)


def preset_temperatures(settings: ThermostatSettings) -> dict[Preset, float]:
    """What each preset stands for: as written, or the default as far as the limits allow. Frost has no lower one."""
    written = settings.presets.model_fields_set
    temperatures: dict[Preset, float] = {}
    for preset in OFFERED:
        temperature_c: float = getattr(settings.presets, f"{preset}_c")
        if f"{preset}_c" not in written:
            temperature_c = min(temperature_c, settings.maximum_c) if preset is Preset.FROST else _within_limits(settings, temperature_c)
        temperatures[preset] = temperature_c
    return temperatures


def _within_limits(settings: ThermostatSettings, temperature_c: float) -> float:
    return min(max(temperature_c, settings.minimum_c), settings.maximum_c)


def _source(source: SourceSettings, by_topic: Mapping[SourceSettings, ChannelRef]) -> ChannelRef:
    return by_topic[source] if source.channel is None else channel_ref(source.channel)


def _control(settings: ThermostatSettings, sample_s: float) -> ThermostatOptions:
    loss, watch, weather, gains = settings.on_sensor_loss, settings.supervision, settings.weather, settings.gains
    return ThermostatOptions(
        sensing=SensingOptions(fusion=Fusion(settings.fusion), **settings.sensing.model_dump()),
        regulator=RegulatorOptions(
            law=LawKind(settings.law),
            hysteresis_k=settings.hysteresis_k,
            ramp_k_per_h=settings.ramp_k_per_h,
            loss_duty_per_k=weather.loss_duty_per_k,
            sample_s=sample_s,
        ),
        heating=_drive(settings.drive_of("heater"), len(settings.heater)),
        cooling=_drive(settings.drive_of("cooler"), len(settings.cooler)),
        failure=FailureOptions(
            failsafe=Failsafe(loss.failsafe),
            glitch_s=loss.glitch_s,
            failed_after_s=loss.failed_after_s,
            degraded_share=loss.degraded_share,
            frost_duty=loss.frost_duty,
            loop_break=LoopBreakAction(watch.loop_break),
            loop_break_s=watch.loop_break_s,
            mismatch_s=watch.mismatch_s,
        ),
        limiter=None if settings.limiter is None else limiter_options(settings.limiter),
        on_time=OnTimeOptions(longest_on_s=settings.longest_on_s, most_duty=settings.most_duty),
        weather=FeedForwardOptions(**weather.model_dump()),
        autotune=AutotuneOptions(**settings.autotune.model_dump()),
        rule=Rule(settings.rule),
        gains=None if gains is None else Gains(**gains.model_dump()),
        dead_zone_k=settings.dead_zone_k,
        changeover_s=settings.changeover_s,
    )


def _drive(keys: DriveKeys, outputs: int) -> DriveOptions | None:
    if not outputs:
        return None
    bank = keys.bank
    return DriveOptions(
        bank=BankOptions(heaters=outputs, arrangement=Arrangement(bank.arrangement), shares=bank.shares, rotates=bank.rotates),
        contact=None if keys.contact == "auto" else Contact(keys.contact),
        cycle_s=keys.cycle_s,
        min_on_s=keys.min_on_s,
        min_off_s=keys.min_off_s,
        analog=None if keys.analog is None else analog_options(keys.analog),
    )


def analog_options(keys: AnalogSettings) -> AnalogOptions:
    """ValueError for a range that is none."""
    return AnalogOptions(
        low=keys.low,
        high=keys.high,
        points=tuple((duty, stroke) for duty, stroke in keys.points),
        least_stroke=keys.least_stroke,
        most_stroke=keys.most_stroke,
        dead_band=keys.dead_band,
    )


def limiter_options(keys: LimiterSettings) -> LimiterOptions:
    """ValueError for a limit that can never be reached."""
    return LimiterOptions(**keys.model_dump(exclude={"sensor", "kind"}), kind=LimiterKind(keys.kind))


def _presets(settings: ThermostatSettings) -> PresetOptions:
    temperatures = {f"{preset}_c": temperature_c for preset, temperature_c in preset_temperatures(settings).items()}
    return PresetOptions(
        **temperatures,
        frost_floor=settings.presets.frost_floor,
        boost_s=settings.presets.boost_s,
        minimum_c=settings.minimum_c,
        maximum_c=settings.maximum_c,
    )


def _schedule(keys: ScheduleSettings) -> Schedule:
    return parse_schedule(keys.days, machine_zone().zone if keys.zone is None else zone_named(keys.zone))


def _window(keys: WindowSettings) -> WindowOptions:
    return WindowOptions(
        open_delay_s=keys.open_delay_s,
        close_delay_s=keys.close_delay_s,
        slope_k_per_h=keys.slope_k_per_h or None,
        slope_span_s=keys.slope_span_s,
        longest_pause_s=keys.longest_pause_s,
    )
