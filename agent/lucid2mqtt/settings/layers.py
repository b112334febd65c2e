"""Environment variables and secret files, put over the file: the same keys, in capitals, with `__` between levels.

`LUCID2MQTT_MQTT__URL`, `LUCID2MQTT_MODULES__0__NAME`; a whole list or mapping is written as in YAML or JSON. An empty variable counts
as not set. A secret file has the variable's name without its first word, in small letters: `mqtt__password` in
$CREDENTIALS_DIRECTORY (systemd) or $LUCID2MQTT_SECRETS_DIR; files of other names in there belong to others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel

from lucid2mqtt.errors import SettingsFault
from lucid2mqtt.settings.tree import Tree, dotted, is_list, is_mapping, shape

PREFIX = "LUCID2MQTT_"
SECRETS_DIR = PREFIX + "SECRETS_DIR"
_LEVELS = "__"
_MAX_SECRET_BYTES = 65536


def add_environment(tree: Tree, environ: Mapping[str, str], schema: type[BaseModel]) -> None:
    """Puts the variables over `tree`, outer keys before inner ones; what does not fit is in `tree.faults`."""
    named = [(tuple(name.removeprefix(PREFIX).lower().split(_LEVELS)), name) for name in environ if name.startswith(PREFIX)]
    for path, name in sorted(named, key=lambda pair: (len(pair[0]), pair)):
        if environ[name] and name != SECRETS_DIR:
            _put(tree, path, environ[name], name, schema)


def add_secrets(tree: Tree, environ: Mapping[str, str], schema: type[BaseModel]) -> None:
    """Puts the secret files over `tree`."""
    for file in _secret_files(tree, environ):
        path = tuple(file.name.lower().split(_LEVELS))
        if len(path) < 2 or path[0] not in schema.model_fields:
            continue
        try:
            with file.open("rb") as opened:
                text = opened.read(_MAX_SECRET_BYTES).decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as fault:
            tree.faults.append(SettingsFault(str(file), dotted(path), f"cannot be read: {fault}", "make it a text file we may read"))
        else:
            _put(tree, path, text, str(file), schema)


def _secret_files(tree: Tree, environ: Mapping[str, str]) -> Iterator[Path]:
    for variable in ("CREDENTIALS_DIRECTORY", SECRETS_DIR):
        if folder := environ.get(variable):
            try:
                yield from sorted(entry for entry in Path(folder).iterdir() if entry.is_file())
            except OSError as fault:
                tree.faults.append(SettingsFault(variable, "secrets", f"{folder} cannot be listed: {fault.strerror}"))


def _put(tree: Tree, path: tuple[str, ...], text: str, place: str, schema: type[BaseModel]) -> None:
    try:
        tree.put(path, _structured(text, shape(schema, path)), place, schema)
    except ValueError as fault:
        tree.faults.append(SettingsFault(place, dotted(path), str(fault)))


def _structured(text: str, kind: object) -> object:
    """`text` as the schema wants it at its place: a list, a mapping, or text that pydantic makes a number of."""
    if is_list(kind) and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",")]
    if not is_list(kind) and not (is_mapping(kind) and text.lstrip().startswith("{")):
        return text
    from lucid2mqtt.settings.yaml_file import parse  # noqa: PLC0415  a tenth of a second that only files and such values are worth

    parsed = parse(f"value: {text}", "")
    if parsed.faults:
        raise ValueError(f"cannot be read: {parsed.faults[0].message}")
    return parsed.values["value"]
