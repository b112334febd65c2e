"""The fleet bench at its smallest: one agent, one light node, one that is replayed."""

from __future__ import annotations

from pathlib import Path

from tests.bench.fleet import BROKER, Fleet, Plan, commands, kept, traffic
from tests.broker import running_broker

PLAN = Plan(agents=1, light=1, channels=4, deadband=0.0, seconds=3, commands=3)


def test_three_kinds_of_nodes_are_there_and_are_measured(tmp_path: Path) -> None:
    with running_broker(tmp_path, extra=BROKER) as broker, Fleet(tmp_path, broker, PLAN) as fleet:
        assert fleet.grow(1) == (1, 0, 0)
        assert fleet.grow(3) == (1, 1, 1)
        figures = traffic(broker, PLAN.seconds) | commands(fleet, PLAN.commands) | kept(broker)
        assert 8 < figures["messages to the broker"] < 80
        assert 0 < figures["publish to subscriber of all, p50"] < 500
        assert 0 < figures["command to state echo, QoS 1, p50"] < 3000
        assert figures["announcements to Home Assistant"] > 3
        assert figures["retained messages"] > 3 * 4 * 3
        broker.restart()
        assert fleet.wait_online() < 20
