"""The settings before they are judged: plain values by path, and for each path the place it was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from lucid2mqtt.errors import SettingsFault

Path = tuple[str | int, ...]


def dotted(path: Path) -> str:
    """`("modules", 0, "name")` as `modules.0.name`."""
    return ".".join(map(str, path))


@dataclass(slots=True)
class Tree:
    """Values as dict, list and scalar (keys are text, as written), with their places; later layers are put over earlier ones."""

    values: dict[str, Any] = field(default_factory=dict)  # Any: whatever the user wrote
    places: dict[Path, str] = field(default_factory=dict)
    faults: list[SettingsFault] = field(default_factory=list)

    def at(self, path: Path) -> Any:
        """What stands at `path`, which must exist."""
        here: Any = self.values
        for key in path:
            here = here[key]
        return here

    def place_of(self, path: Path, otherwise: str) -> str:
        """Where `path` was written; for something that is not there, where it would stand."""
        for length in range(len(path), 0, -1):
            if (place := self.places.get(path[:length])) is not None:
                return place
        return otherwise

    def put(self, path: tuple[str, ...], value: object, place: str, schema: type[BaseModel]) -> None:
        """Sets one value; numbers in `path` that the schema takes for places in a list extend the list by at most one entry.

        Raises ValueError when `path` leaves out entries of a list.
        """
        here: Any = self.values
        walked: list[str | int] = []
        for step, key in enumerate(path, start=1):
            spot: Any = _entry(here, key) if isinstance(here, list) else key
            walked.append(spot)
            self.places[tuple(walked)] = place
            if step == len(path):
                here[spot] = value
                self._forget_places_below(tuple(walked))
            else:
                held = here[spot] if isinstance(here, list) else here.get(spot)
                if not isinstance(held, dict | list):
                    here[spot] = held = [] if is_list(shape(schema, tuple(walked))) else {}
                here = held

    def _forget_places_below(self, path: Path) -> None:
        for known in [known for known in self.places if len(known) > len(path) and known[: len(path)] == path]:
            del self.places[known]


def _entry(entries: list[Any], key: str) -> int:
    if not key.isdigit() or int(key) > len(entries):
        raise ValueError(f"{key} is no entry of this list, which has {len(entries)}; the next is number {len(entries)}")
    if int(key) == len(entries):
        entries.append(None)
    return int(key)


def shape(schema: Any, path: Path) -> Any:  # Any: a type expression
    """The type the schema has at `path`, without Annotated and None; None where the schema knows no such path."""
    here = _bare(schema)
    for key in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            known = here.model_fields.get(str(key))
            here = _of_other_keys(here) if known is None else known.annotation
        elif get_origin(here) in (tuple, dict):
            here = get_args(here)[0 if get_origin(here) is tuple else 1]
        else:
            return None
        here = _bare(here)
    return here


def _of_other_keys(model: type[BaseModel]) -> Any:  # Any: a type expression
    """What a model that allows keys of the user's own holds under them; None for all others."""
    if model.model_config.get("extra") != "allow":
        return None
    return get_args(get_type_hints(model)["__pydantic_extra__"])[1]


def is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple


def is_mapping(kind: Any) -> bool:
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel))


def _bare(annotation: Any) -> Any:
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            some = [member for member in get_args(annotation) if member is not NoneType]
            if len(some) != 1:
                return annotation
            annotation = some[0]
        else:
            return annotation
