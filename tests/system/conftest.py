"""What several tests of the playbooks share: one booted Debian, one set-up in a folder, and a table of what took how long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.fleet import NODE, Fleet
from tests.system.fleet_house import FleetHouse
from tests.system.nspawn import base_system, overlay, wheels
from tests.system.service_house import add_bench, add_program

_TIMINGS = pytest.StashKey[dict[str, float]]()


@pytest.fixture(scope="session")
def timings(request: pytest.FixtureRequest) -> dict[str, float]:
    return request.config.stash.setdefault(_TIMINGS, {})


@pytest.fixture(scope="session")
def fleet_house(tmp_path_factory: pytest.TempPathFactory, timings: dict[str, float]) -> Iterator[FleetHouse]:
    """A bare, booted Debian that one line has made broker and node, with virtual modules and a ser2net."""
    folder = tmp_path_factory.mktemp("fleet")
    base = base_system()
    wheel_folder = wheels(base)
    with overlay(base, folder) as root:
        add_program(root, wheel_folder, "/opt/bench")
        add_bench(root, "/opt/bench/bin/lucid2mqtt")
        (root / "etc/systemd/system/ser2net.service.d").mkdir()
        (root / "etc/systemd/system/ser2net.service.d/quick.conf").write_text("[Service]\nTimeoutStopSec=1s\n")  # it does not end by itself
        with FleetHouse(root, folder / "boot.log") as house:
            house.start_bench()
            enter = folder / "enter"
            enter.write_text(f'#!/bin/sh\nshift\nexec nsenter --target {house.leader} --all -- "$@"\n')
            enter.chmod(0o755)
            house.fleet = Fleet(folder / "control", wheel_folder, enter, timings)
            house.fleet.add_broker(root)
            house.node = house.fleet.add_node(NODE, root)
            for playbook in ("certificates.yml", "broker.yml", "nodes.yml"):
                house.fleet.must(playbook, noted_as=f"{playbook}, bare Debian")
            yield house


@pytest.fixture(scope="session")
def set_up_folder(tmp_path_factory: pytest.TempPathFactory, timings: dict[str, float]) -> Iterator[tuple[Path, Fleet]]:
    """A Debian that was never booted, made broker and node by one line; what was written is in the folder `upper` beside it."""
    folder = tmp_path_factory.mktemp("folder")
    base = base_system()
    with overlay(base, folder / "debian") as root:
        fleet = Fleet(folder / "control", wheels(base), timings=timings)
        fleet.add_broker(root)
        fleet.add_node(NODE, root)
        rehearsal = fleet.must("site.yml", "--check")
        assert rehearsal.changed[NODE] >= {"Environment", "Service"}
        assert not (root / "opt/lucid2mqtt").exists(), "a rehearsal changes nothing"
        fleet.must("site.yml", noted_as="site.yml, Debian in a folder")
        yield root, fleet


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    timings = config.stash.get(_TIMINGS, {})
    if timings:
        terminalreporter.write_sep("-", "what the playbooks took")
        for what, took_s in timings.items():
            terminalreporter.write_line(f"| {what} | {took_s:.1f} s |")
