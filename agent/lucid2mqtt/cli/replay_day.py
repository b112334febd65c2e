"""The file that describes a simulated day: YAML, checked like the settings, every fault with its place and a remedy."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic.functional_validators import AfterValidator, BeforeValidator
from pydantic_core import ErrorDetails

from lucid2mqtt.cli.replay_options import climate_options
from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.plants import PLANTS, SLAB_ROOM, PlantSpec
from lucid2mqtt.errors import SettingsError, SettingsFault
from lucid2mqtt.replay.day import A_MONDAY, Circumstance, Command, Day, Deed, Lesson, Trouble
from lucid2mqtt.settings.faults import fault_of
from lucid2mqtt.settings.fields import Number, Objection, Section
from lucid2mqtt.settings.suggestions import suggestion
from lucid2mqtt.settings.tree import Tree, dotted, shape
from lucid2mqtt.settings.yaml_file import read_file

NAMES = {**PLANTS, "floor": SLAB_ROOM}
_LONGEST_S = 400 * 86_400.0
_MOST_STEPS = 600_000  # each is kept: about 150 MB
_LESSON_K = 3.0  # an autotune begins this far below its target unless told otherwise


def span_s(given: object) -> object:
    """Seconds from `h:mm`, `h:mm:ss` or a number; Objection for other text."""
    if not isinstance(given, str):
        return given
    match = re.fullmatch(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d))?", given.strip(), re.ASCII)
    if match is None:
        try:
            return float(given)
        except ValueError:
            raise Objection(f"{given[:40]!r} is no time", 'write hours and minutes, as in "6:30", or "0:00:45", or seconds') from None
    hours, minutes, seconds = match.groups(default="0")
    return 3600.0 * int(hours) + 60.0 * int(minutes) + int(seconds)


def _plant(name: str) -> str:
    if name not in NAMES:
        raise Objection(f"there is no plant {name[:40]!r}", f"choose one of {', '.join(NAMES)}, and change it under figures")
    return name


Span = Annotated[float, BeforeValidator(span_s), Field(ge=0, le=_LONGEST_S, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Celsius = Annotated[float, Field(ge=-100, le=300, allow_inf_nan=False)]


class FiguresPart(Section):
    """Figures of one's own in place of the named plant's: J/K, W/K, W, s, K. A capacity of 0 leaves the part out, where it may."""

    power_w: Positive | None = None
    emitter_j_per_k: Positive | None = None
    body_j_per_k: Positive | None = None
    mass_j_per_k: NotNegative | None = None
    emitter_to_body_w_per_k: Positive | None = None
    body_to_mass_w_per_k: NotNegative | None = None
    body_to_outdoor_w_per_k: NotNegative | None = None
    mass_to_outdoor_w_per_k: NotNegative | None = None
    actuator_lag_s: NotNegative | None = None
    dead_time_s: NotNegative | None = None
    sensor_lag_s: NotNegative | None = None
    step_s: Annotated[float, Field(ge=0.1, le=60, allow_inf_nan=False)] | None = None
    noise_k: NotNegative | None = None
    quantum_k: Positive | None = None


class LessonPart(Section):
    target_c: Celsius
    start_c: Celsius | None = None


_DEEDS = {deed.value: deed for deed in Deed}
_TROUBLES = {trouble.value: trouble for trouble in Trouble}
_KEYS = (*_DEEDS, *_TROUBLES)


class EventPart(Section):
    """One thing that happens at `at`; with `for` it ends by itself."""

    at: Span
    for_s: Annotated[Span | None, Field(alias="for")] = None
    target_c: Celsius | None = None
    preset: str | None = None
    mode: Literal["off", "heat", "cool", "auto", "manual"] | None = None
    duty: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] | None = None
    autotune: Literal["start", "abort", "undo"] | None = None
    reset: Literal[True] | None = None
    window: Literal["open"] | None = None
    sensor: Literal["lost", "stuck"] | Number | None = None
    number: Annotated[int, Field(ge=1)] = 1
    gain_w: Number | None = None
    power: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    contact: Literal["welded"] | None = None
    outdoor_c: Celsius | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> EventPart:
        named = [key for key in _KEYS if getattr(self, key) is not None]
        if len(named) != 1:
            what = f"{' and '.join(named)} at once" if named else "nothing happens here"
            raise Objection(what, f"give each event one of {', '.join(_KEYS)}")
        if self.for_s is not None and named[0] in _DEEDS and named[0] != Deed.PRESET:
            raise Objection(f"{named[0]} has no end", "leave for out, and write a second event")
        return self

    @property
    def what(self) -> str:
        return next(key for key in _KEYS if getattr(self, key) is not None)


class DayPart(Section):
    title: Annotated[str, Field(max_length=90)] = ""
    plant: Annotated[str, AfterValidator(_plant)] = "light room"
    figures: FiguresPart = FiguresPart()
    start_c: Celsius = 18.0
    outdoor_c: Celsius = 1.0
    outdoor_swing_k: NotNegative = 0.0
    begins: datetime | None = None
    lasts: Span = 86_400.0
    seed: int = 1
    autotune: LessonPart | None = None
    thermostat: dict[str, Any] | None = None  # Any: checked as a part of the settings is
    events: tuple[EventPart, ...] = ()


@dataclass(frozen=True, slots=True)
class DayFile:
    """`thermostat` are the options of the file's own thermostat part, None: it has none. `day.begins` may lack its time zone."""

    day: Day
    thermostat: ClimateOptions | None


def read_day(path: Path) -> DayFile:
    """The day in `path`. Raises SettingsError with every fault, each with file, line and column."""
    tree = read_file(path, if_missing="name an existing file")
    faults = list(tree.faults)
    part = _validated(tree, str(path), faults)
    options = None
    if part is not None and part.thermostat is not None:
        options = climate_options(part.thermostat, tree, str(path), faults)
    day = None if part is None else _day(part, tree, str(path), faults, 1 if options is None else len(options.sensors))
    if day is None or faults:
        raise SettingsError(tuple(faults))
    return DayFile(day, options)


def _validated(tree: Tree, source: str, faults: list[SettingsFault]) -> DayPart | None:
    try:
        return DayPart.model_validate(tree.values)
    except ValidationError as error:
        faults += [_fault(detail, tree, source) for detail in error.errors(include_url=False)]
    return None


def _fault(detail: ErrorDetails, tree: Tree, source: str) -> SettingsFault:
    if detail["type"] != "extra_forbidden":
        return fault_of(detail, tree, source)
    path = detail["loc"]
    kind = shape(DayPart, path[:-1])
    known = [field.alias or name for name, field in kind.model_fields.items()] if issubclass(kind, BaseModel) else []
    return SettingsFault(tree.place_of(path, source), dotted(path), "unknown key", suggestion(str(path[-1]), known))


def _day(part: DayPart, tree: Tree, source: str, faults: list[SettingsFault], sensors: int) -> Day | None:
    def object_to(path: tuple[str | int, ...], message: str, remedy: str) -> None:
        faults.append(SettingsFault(tree.place_of(path, source), dotted(path), message, remedy))

    plant = replace(NAMES[part.plant], **part.figures.model_dump(exclude_none=True))
    if not plant.mass_j_per_k and plant.body_to_mass_w_per_k:
        object_to(("figures",), "there is a way into a mass of 0 J/K", "give mass_j_per_k, or body_to_mass_w_per_k: 0")
    if not plant.body_to_outdoor_w_per_k and not plant.mass_to_outdoor_w_per_k:
        object_to(("figures",), "no heat is lost", "give body_to_outdoor_w_per_k or mass_to_outdoor_w_per_k")
    if _fastest_s(plant) < plant.step_s:
        object_to(("figures",), f"a part of the plant is faster than its step of {plant.step_s:g} s", "give a smaller step_s")
    if part.lasts < 2 * plant.step_s or part.lasts / plant.step_s > _MOST_STEPS:
        object_to(("lasts",), f"{part.lasts:g} s cannot be played in steps of {plant.step_s:g} s", 'write it like lasts: "24:00"')
    for place, event in enumerate(part.events):
        if event.at >= part.lasts:
            object_to(("events", place), "this is after the end of the day", "move it, or give a longer lasts")
        if event.number > sensors:
            object_to(("events", place, "number"), f"there is no sensor {event.number}", f"the thermostat has {sensors}")
    return Day(
        title=part.title or f"{part.plant}, {part.lasts / 3600:g} h",
        plant=plant,
        start_c=part.start_c,
        outdoor_c=part.outdoor_c,
        outdoor_swing_k=part.outdoor_swing_k,
        begins=part.begins or A_MONDAY.replace(tzinfo=None),
        length_s=part.lasts,
        seed=part.seed,
        lesson=_lesson(part.autotune),
        commands=tuple(_commands(part.events)),
        circumstances=tuple(_circumstances(part.events)),
    )


def _fastest_s(plant: PlantSpec) -> float:
    """The shortest time constant: longer steps than this make the arithmetic swing."""
    through = plant.emitter_to_body_w_per_k
    parts = [plant.emitter_j_per_k / through]
    parts.append(plant.body_j_per_k / (through + plant.body_to_mass_w_per_k + plant.body_to_outdoor_w_per_k))
    if plant.mass_j_per_k:
        parts.append(plant.mass_j_per_k / (plant.body_to_mass_w_per_k + plant.mass_to_outdoor_w_per_k))
    return min(parts)


def _lesson(part: LessonPart | None) -> Lesson | None:
    if part is None:
        return None
    return Lesson(target_c=part.target_c, start_c=part.target_c - _LESSON_K if part.start_c is None else part.start_c)


def _commands(events: tuple[EventPart, ...]) -> Iterator[Command]:
    for event in events:
        if event.what in _DEEDS:
            yield Command(event.at, Deed(event.what), getattr(event, event.what), event.for_s)


def _circumstances(events: tuple[EventPart, ...]) -> Iterator[Circumstance]:
    for event in events:
        if event.what in _TROUBLES:
            until_s = math.inf if event.for_s is None else event.at + event.for_s
            value = getattr(event, event.what)
            yield Circumstance(event.at, until_s, Trouble(event.what), value, event.number - 1)
