import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_agent_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever runs here or is set here is none of the tests' business."""
    for name in [name for name in os.environ if name.startswith("LUCID2MQTT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LUCID2MQTT_CONSOLE__PATH", str(tmp_path / "no-agent"))


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
