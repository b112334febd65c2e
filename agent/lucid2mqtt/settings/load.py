"""From the sources to a Settings, or to every fault in them at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from lucid2mqtt.errors import SettingsError, SettingsFault
from lucid2mqtt.settings import machine
from lucid2mqtt.settings.faults import fault_of, faulty_path, path_of
from lucid2mqtt.settings.files import relative_to
from lucid2mqtt.settings.findings import SettingsWarning
from lucid2mqtt.settings.layers import add_environment, add_secrets
from lucid2mqtt.settings.remains import Remains
from lucid2mqtt.settings.review import review
from lucid2mqtt.settings.schema import Settings
from lucid2mqtt.settings.tree import Path as KeyPath
from lucid2mqtt.settings.tree import Tree, dotted, is_list, is_mapping, shape


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    overrides: Mapping[str, tuple[object, str]] | None = None,
) -> Settings:
    """The settings of `path` (none: the defaults), secret files over it, `environ` (none: the process's) over both.

    `overrides` are dotted keys with a value and the option of the command line that gave it; they win.
    Raises SettingsError with all faults; nothing has been opened or written then, except for reading.
    """
    environ = os.environ if environ is None else environ
    tree = _read(path)
    add_secrets(tree, environ, Settings)
    add_environment(tree, environ, Settings)
    for key, (value, option) in (overrides or {}).items():
        tree.put(tuple(key.split(".")), value, option, Settings)
    _suggest(tree.values, environ)
    return _with_password(_judge(tree, path))


def _read(path: Path | None) -> Tree:
    if path is None:
        return Tree()
    from lucid2mqtt.settings.yaml_file import read_file  # noqa: PLC0415  a tenth of a second that only a file is worth

    return read_file(path)


def _suggest(values: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Fills in what depends on the environment that was given, where nobody said otherwise."""
    values.setdefault("state_dir", str(machine.state_dir(environ)))
    console = values.setdefault("console", {})
    if isinstance(console, dict):
        console.setdefault("path", str(machine.console_path(environ)))


def _judge(tree: Tree, path: Path | None) -> Settings:
    source = str(path) if path is not None else "settings"
    faults = list(tree.faults)
    _settle_empty(tree, (), faults, source)
    remains = Remains(tree.values)
    with relative_to(Path() if path is None else path.parent):
        settings, told = _validated(remains, tree, source)
    faults += (fault for fault, _ in told)
    warnings: list[SettingsWarning] = []
    for finding in review(settings, remains.written):
        where = remains.written(finding.path)
        said = tree.place_of(where, source), dotted(where), finding.message, finding.remedy
        if any(_is_within(at_fault, where) for _, at_fault in told):
            continue  # what was said about the same key, or one inside, is the better word
        if finding.is_warning:
            warnings.append(SettingsWarning(*said))
        else:
            faults.append(SettingsFault(*said))
    if faults:
        raise SettingsError(tuple(sorted(dict.fromkeys(faults), key=_reading_order)))
    return settings.with_warnings(tuple(sorted(dict.fromkeys(warnings), key=_reading_order)))


def _settle_empty(tree: Tree, path: KeyPath, faults: list[SettingsFault], source: str) -> None:
    """A section or list with nothing behind its key is empty; a single value must not be: `exit:` could mean anything."""
    values = tree.at(path)
    for key in list(values) if isinstance(values, dict) else range(len(values)):
        inner = (*path, key)
        kind = shape(Settings, inner)
        if values[key] is None and kind is not None:
            if is_mapping(kind) or is_list(kind):
                values[key] = {} if is_mapping(kind) else []
            elif isinstance(values, dict):
                faults.append(SettingsFault(tree.place_of(inner, source), dotted(inner), "is empty", "write a value or leave the key out"))
                del values[key]
        elif isinstance(values[key], dict | list):
            _settle_empty(tree, inner, faults, source)


def _validated(remains: Remains, tree: Tree, source: str) -> tuple[Settings, list[tuple[SettingsFault, KeyPath]]]:
    """What the schema objects to, with what is at fault; and the settings that stay when that is taken out, for the rest to be judged."""
    told: list[tuple[SettingsFault, KeyPath]] | None = None
    while True:
        try:
            return Settings.model_validate(remains.values), told or []
        except ValidationError as error:
            details = error.errors(include_url=False)
        paths = {faulty_path(detail) for detail in details}
        if told is None:
            best = [detail for detail in details if not _explained(path_of(detail), paths)]
            told = [(fault_of(detail, tree, source), faulty_path(detail)) for detail in best]
        remains.take_out(paths)


def _explained(path: KeyPath, paths: set[KeyPath]) -> bool:
    """True when something inside `path` is at fault, which is the better word."""
    return any(other != path and _is_within(other, path) for other in paths)


def _is_within(inner: KeyPath, outer: KeyPath) -> bool:
    return inner[: len(outer)] == outer


def _reading_order(fault: SettingsFault) -> tuple[str, int, int]:
    file, _, position = fault.place.partition(":")
    line, _, column = position.partition(":")
    return (file, int(line), int(column)) if line.isdigit() and column.isdigit() else (fault.place, 0, 0)


def _with_password(settings: Settings) -> Settings:
    file = settings.mqtt.password_file
    if file is None:
        return settings
    password = SecretStr(file.read_text(encoding="utf-8").rstrip("\r\n"))
    return settings.model_copy(update={"mqtt": settings.mqtt.model_copy(update={"password": password})})
