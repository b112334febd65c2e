"""The example files load, and the big one leaves no key out."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from lucid2mqtt.settings import Settings, load
from lucid2mqtt.settings.tree import shape

CONFIG = Path(__file__).parents[3] / "config"
EXAMPLES = sorted(CONFIG.glob("*.yaml"))


def test_there_are_examples() -> None:
    assert {"lucid2mqtt.yaml", "minimal.yaml", "home-assistant.yaml", "relays.yaml", "meters.yaml", "tls.yaml"} <= {
        path.name for path in EXAMPLES
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_example_loads_once_its_secret_files_are_there(example: Path, tmp_path: Path) -> None:
    for secret in ("mqtt-password", "ca.pem", "az-2.pem", "az-2.key"):
        (tmp_path / secret).write_text("x\n")
    shutil.copy(example, tmp_path)
    settings = load(tmp_path / example.name, {})
    assert isinstance(settings, Settings)
    assert all(module.family is not None for module in settings.modules), "examples let check judge channels"


def _fields(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # Any: a type expression
    if get_origin(kind) in (tuple, dict):
        yield from _fields(get_args(kind)[0 if get_origin(kind) is tuple else 1], path)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield (*path, name)
            yield from _fields(shape(kind, (name,)) or field.annotation, (*path, name))


FIELDS = sorted(set(_fields(Settings)))


def test_the_walk_finds_the_deep_fields() -> None:
    assert ("modules", "channels", "pulse", "for_s") in FIELDS
    assert ("modules", "parameters", "persistent") in FIELDS
    assert ("mqtt", "tls", "ca") in FIELDS


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_the_full_example_mentions_every_key(path: tuple[str, ...]) -> None:
    text = (CONFIG / "lucid2mqtt.yaml").read_text()
    assert re.search(rf"\b{path[-1]}:", text)


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_every_key_is_described_and_numbers_carry_their_unit(path: tuple[str, ...]) -> None:
    kind: Any = Settings
    for name in path[:-1]:
        kind = shape(kind, (name,))
        while get_origin(kind) in (tuple, dict):
            kind = get_args(kind)[0 if get_origin(kind) is tuple else 1]
    description = kind.model_fields[path[-1]].description or ""
    assert len(description) > 10
    assert description.endswith((".", "..."))
    if path[-1].endswith("_s"):
        assert re.search(r"\bs[.;,]|_s\.", description), "says seconds"
