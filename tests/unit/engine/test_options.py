"""Defaults of what the user may settle."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from lucid2mqtt.engine.options import HOLD, ChannelOptions, ModuleOptions


def test_channels_nobody_mentioned_are_enabled_and_never_switched_by_themselves() -> None:
    options = ModuleOptions(channels={1: ChannelOptions(name="flow")})
    assert options.channel(1).name == "flow"
    unasked = options.channel(0)
    assert unasked.enabled
    assert unasked.start == unasked.exit == unasked.on_broker_loss == HOLD


def test_options_cannot_be_changed_behind_the_houses_back() -> None:
    with pytest.raises(FrozenInstanceError):
        ModuleOptions().poll_s = 5.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        ModuleOptions().channels[0] = ChannelOptions()  # type: ignore[index]
