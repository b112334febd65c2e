"""The desk as the outside sees it: one whole day of an output."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from lucid2mqtt.engine.desk import Order
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.errors import Reason, RequestRejected
from tests.unit.engine.scripted import Household, ScriptedModule, identity, living, ref
from tests.virtual_clock import run_virtual

OPTIONS = ModuleOptions(
    serial=1,
    name="heaters",
    channels={0: ChannelOptions(name="living", start=False, exit=False, on_broker_loss=False, broker_loss_after_s=60.0, max_on_s=7200.0)},
)


def test_a_day_of_a_heater() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DO4", 0x1100, 1))
        module.values[0] = True  # left on by whoever had it before
        loop = asyncio.get_running_loop()
        async with living(Household([OPTIONS]), module) as home:
            assert home.value("heaters/living") is False
            await home.order("heaters/living", value=True)
            await asyncio.sleep(3600)
            home.desk.broker_lost(loop.time())
            await asyncio.sleep(61)
            assert home.value("heaters/living") is False
            home.desk.broker_back()
            await home.order("heaters/living", value=True, for_s=600.0)
            await asyncio.sleep(601)
            assert home.value("heaters/living") is False
            await home.order("heaters/living", value=True)
            await asyncio.sleep(7300)
            assert home.value("heaters/living") is False
            assert [incident.what for incident in home.incidents] == ["max_on_s"]
            await home.order("heaters/living", value=True)
            await home.desk.apply_exit_states(within_s=2.0)
            assert home.value("heaters/living") is False
            assert module.switched == [False, True, False, True, False, True, False, True, False]

    run_virtual(main())


def test_what_somebody_orders_after_the_exit_states_is_refused_and_an_owner_may_still_switch_off() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DO4", 0x1100, 1))
        async with living(Household([OPTIONS]), module) as home:
            claim = home.desk.claim(ref("heaters/1"), "thermostat living")
            heater = Order(channel=ref("heaters/1"), value=True, who="thermostat living", claim=claim)
            await home.desk.carry_out(heater)
            await home.desk.apply_exit_states(within_s=2.0)
            with pytest.raises(RequestRejected, match="the agent is leaving"):
                await home.order("heaters/living", value=True)
            assert not module.values[0]
            await home.desk.carry_out(replace(heater, value=False))
            assert module.values[1] is False

    run_virtual(main())


def test_a_claim_may_be_taken_before_the_module_is_there() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DO4", 0x1100, 1))
        home = Household([OPTIONS])
        claim = home.desk.claim(ref("heaters/living"), "thermostat living")
        async with living(home, module):
            with pytest.raises(RequestRejected) as caught:
                home.desk.claim(ref("heaters/living"), "thermostat bath")
            assert caught.value.reason is Reason.CLAIMED
            await home.desk.carry_out(Order(channel=ref("heaters/living"), value=True, who="thermostat living", claim=claim))
            assert module.values[0] is True

    run_virtual(main())


def test_a_bug_in_a_listener_of_incidents_comes_out_of_run() -> None:
    async def main() -> None:
        def broken(_: object) -> None:
            raise ZeroDivisionError

        async def too_long_on() -> None:
            async with living(home, ScriptedModule(identity("DO4", 0x1100, 1))):
                await home.order("heaters/living", value=True)
                await asyncio.sleep(8000)

        home = Household([OPTIONS])
        home.desk.on_incident(broken)
        with pytest.raises(BaseExceptionGroup) as caught:
            await too_long_on()
        assert caught.group_contains(ZeroDivisionError)

    run_virtual(main())


def test_after_run_ended_nothing_happens_by_itself() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DO4", 0x1100, 1))
        async with living(Household([OPTIONS]), module) as home:
            await home.order("heaters/living", value=True, for_s=10.0)
        await asyncio.sleep(60)
        assert module.values[0] is True
        assert module.switched == [True]

    run_virtual(main())
