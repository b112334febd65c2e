"""Puts what pydantic objects to into words, at the place where it was written."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from lucid2mqtt.errors import SettingsFault
from lucid2mqtt.settings.fields import Objection
from lucid2mqtt.settings.schema import Settings
from lucid2mqtt.settings.suggestions import near, suggestion
from lucid2mqtt.settings.tree import Path, Tree, dotted, is_list, is_mapping, shape

_MESSAGES = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must hold keys with values",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "model_type": "must hold keys with values",
    "path_type": "must be the path of a file",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must not be empty",
    "string_type": "must be text",
    "too_short": "must have at least {min_length} entry",
    "tuple_type": "must be a list",
}
_SECRET_KEYS = frozenset({"password"})


def path_of(detail: ErrorDetails) -> Path:
    """The key an objection is about."""
    return tuple(key for key in detail["loc"] if key != "[key]")


def faulty_path(detail: ErrorDetails) -> Path:
    """What must go for the objection to fall: the key itself, or what lacks a key."""
    path = path_of(detail)
    return path[:-1] if detail["type"] == "missing" else path


def fault_of(detail: ErrorDetails, tree: Tree, source: str) -> SettingsFault:
    """An objection of pydantic as a fault with place, key, message and remedy; `source` is named where no place is known."""
    path = path_of(detail)
    place = tree.place_of(path, source)
    if detail["type"] == "extra_forbidden":
        message, remedy = "unknown key", suggestion(str(path[-1]), known_keys(path[:-1]))
    elif detail["loc"][-1:] == ("[key]",):
        message, remedy = f"{path[-1]!r} is no channel number", "channels are numbered 0 to 15"
    else:
        message, remedy = _words(detail, path)
        known = known_keys(path[:-1])
        if known and path[-1] not in known:  # a section that takes keys of the user's own: this one may be misspelt
            remedy = near(str(path[-1]), known) or remedy
    return SettingsFault(place, dotted(path) or "file", message, remedy)


def known_keys(path: Path) -> list[str]:
    """The keys the schema knows at `path`, in its order."""
    kind = shape(Settings, path)
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _words(detail: ErrorDetails, path: Path) -> tuple[str, str]:
    context: dict[str, Any] = detail.get("ctx") or {}
    cause = context.get("error")
    if isinstance(cause, ValueError):
        return str(cause), cause.remedy if isinstance(cause, Objection) else ""
    template = _MESSAGES.get(detail["type"])
    message = template.format_map(context) if template else detail["msg"]
    given = detail.get("input")
    if detail["type"] == "missing":
        return message, _example(path)
    if isinstance(given, str | int | float) and path[-1:] and path[-1] not in _SECRET_KEYS:
        message = f"{message}, not {given!r}"
    if detail["type"] == "float_parsing" and isinstance(given, str) and _is_number(pointed := given.replace(",", ".")):
        return message, f"write it with a point: {pointed}"
    if detail["type"] == "string_type" and isinstance(given, bool | int | float):
        return message, "put it in quotes"
    return message, _example(path) if "keys with values" in message or "list" in message else ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _example(path: Path) -> str:
    kind = shape(Settings, path)
    key = path[-1] if path else ""
    if is_list(kind):
        return (
            f'write it like "{key}: [...]", or one entry a line with a dash'
            if not is_mapping(get_args(kind)[0])
            else "begin each entry with a dash"
        )
    if is_mapping(kind):
        keys = known_keys(path)
        return f'write it like "{key}: {{{keys[0]}: ...}}"' if keys else 'write it like "0: {...}"'
    return ""
