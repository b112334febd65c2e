"""docs/how-to/fleet.md, carried out: what its filters, its shared subscription and its bridge do on real brokers."""

from __future__ import annotations

import asyncio
import contextlib
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import topic_matches_sub

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.domain.names import THERMOSTATS, ChannelRef
from lucid2mqtt.mqtt.link import MqttLink
from lucid2mqtt.mqtt.options import MqttOptions
from lucid2mqtt.mqtt.topics import Topics
from lucid2mqtt.settings import load
from tests.broker import Broker, Peer, running_broker, until, wait_until
from tests.scenario.bridge_rig import bridge_over
from tests.unit.docs.pages import HOW_TO, ROOT, blocks
from tests.unit.mqtt.house import SmallHouse
from tests.unit.mqtt.samples import channel, good, module

PAGE = HOW_TO / "fleet.md"
TEXT = PAGE.read_text(encoding="utf-8")
BRIDGE, CENTRE_RIGHTS, SITE_RIGHTS = (block.text for block in blocks("text") if block.page == PAGE)
BASE, NODE = "lucid2mqtt/north", "az-2"
FLOW = channel(ChannelKind.TEMPERATURE, 0, name="flow")
LIVING = channel(ChannelKind.DIGITAL_OUTPUT, 1, module="boiler", name="living")
BOILER = module(FLOW, LIVING)
STATE, SET, ERROR = (f"{BASE}/{NODE}/boiler/living/{leaf}" for leaf in ("state", "set", "error"))
LINE = "sites/north/status"
SOON_S = 0.3
"""Long enough for what must not come."""


@contextlib.asynccontextmanager
async def agent(broker: Broker, base: str = BASE, node: str = NODE, username: str | None = None) -> AsyncIterator[SmallHouse]:
    house = SmallHouse(BOILER)
    house.plug(BOILER)
    house.board.update([good(FLOW, 21.3), good(LIVING, value=False)])
    options = MqttOptions(url=broker.url, client_id=node, username=username, password=username and "secret")
    bridge = bridge_over(house, MqttLink(options, spread=lambda: 0.0), Topics(base, node))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(bridge.run())
        try:
            yield house
        finally:
            running.cancel()


# -- filters -----------------------------------------------------------------------------------------------------------


def _filters() -> list[str]:
    return [line.split("`")[1] for line in TEXT.splitlines() if line.startswith("| `lucid2mqtt/+")]


def test_every_filter_hears_what_a_node_says() -> None:
    topics, ref = Topics("lucid2mqtt", "n"), ChannelRef("m", "c")
    said = {topics.status, topics.module_status("m"), topics.channel_status(ref), topics.state(ref), topics.error(ref), topics.diagnostics}
    assert {_example(found) for found in _filters()} == said


def _example(pattern: str) -> str:
    """The filter with the names of `said` in place of its wildcards."""
    names = iter(("n", "m", "c"))
    return "/".join(next(names) if level == "+" else level for level in pattern.split("/"))


async def test_a_shared_subscription_deals_the_values_out(tmp_path: Path) -> None:
    (pattern,) = {word for word in TEXT.replace("'", " ").replace('"', " ").split() if word.startswith("$share")}
    with running_broker(tmp_path) as broker:
        with Peer(broker.port, pattern) as one, Peer(broker.port, pattern) as other, Peer(broker.port) as sender:
            for value in range(20):
                sender.say("lucid2mqtt/n/m/c/state", str(value))
            await until(lambda: len(one.heard) + len(other.heard) >= 20)
            await asyncio.sleep(SOON_S)
        heard = [message.payload for message in (*one.heard, *other.heard)]
        assert sorted(map(int, heard)) == list(range(20))
        assert one.heard
        assert other.heard


# -- Telegraf ----------------------------------------------------------------------------------------------------------


def _telegraf() -> list[dict[str, Any]]:  # Any: TOML
    (text,) = (block.text for block in blocks("toml") if block.page == PAGE)
    sources: list[dict[str, Any]] = tomllib.loads(text)["inputs"]["mqtt_consumer"]
    return sources


def test_telegraf_reads_topics_of_ours_and_names_each_level() -> None:
    values, thermostats = _telegraf()
    assert set(values["topics"]) <= set(_filters())
    assert thermostats["topics"] == [f"lucid2mqtt/+/{THERMOSTATS}/+/state"]
    assert values["tagdrop"]["module"] == [THERMOSTATS]
    for source in (values, thermostats):
        assert [parsing["topic"] for parsing in source["topic_parsing"]] == source["topics"]
        for parsing in source["topic_parsing"]:
            levels, tags = parsing["topic"].split("/"), parsing["tags"].split("/")
            assert [tag != "_" for tag in tags] == [level == "+" for level in levels]
    for parsing in values["topic_parsing"]:
        *above, last = parsing["measurement"].split("/")
        assert (set(above), last, len(above)) == ({"_"}, "measurement", parsing["topic"].count("/"))


# -- a broker at each site ---------------------------------------------------------------------------------------------

SECRET = "secret"


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "centre"
    folder.mkdir()
    rights = folder / "rights"
    rights.write_text(CENTRE_RIGHTS + "user home\ntopic readwrite #\n")
    with running_broker(folder, users={"site-north": "change-me", "home": SECRET}, extra=f"acl_file {rights}") as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, centre: Broker) -> Iterator[Broker]:
    """The broker of the site, with the page's bridge, but for the name of the centre, TLS, and its patience."""
    folder = tmp_path / "site"
    folder.mkdir()
    rights = folder / "rights"
    own = f"user {NODE}\ntopic readwrite {BASE}/{NODE}/#\ntopic write homeassistant/device/+/config\ntopic read homeassistant/status\n"
    rights.write_text(SITE_RIGHTS + own + "user eye\ntopic readwrite #\n")
    lines = [line for line in BRIDGE.splitlines() if not line.startswith("bridge_cafile")]
    text = (
        "\n".join(lines)
        .replace("broker.centre.example:8883", f"127.0.0.1:{centre.port}")
        .replace("restart_timeout 2 30", "restart_timeout 1")
    )
    assert f":{centre.port}" in text
    assert "restart_timeout 1\n" in text
    with running_broker(folder, users={NODE: SECRET, "eye": SECRET}, extra=f"acl_file {rights}\n{text}") as running:
        yield running


def _bridged(direction: str) -> set[str]:
    return {words[1] for words in map(str.split, BRIDGE.splitlines()) if words[:1] == ["topic"] and words[2] == direction}


def test_the_bridge_leaves_no_topic_of_an_agent_out() -> None:
    topics, ref = Topics(BASE, NODE), ChannelRef("m", "c")
    with_ref = (topics.state, topics.channel_status, topics.attributes, topics.error, topics.event)
    said = [topics.status, topics.module_status("m"), topics.diagnostics, topics.discovery("d"), *(make(ref) for make in with_ref)]
    up, down = _bridged("out"), _bridged("in")
    assert all(any(topic_matches_sub(pattern, topic) for pattern in up) for topic in said)
    assert {pattern.replace(f"/{NODE}/", "/+/") for pattern in topics.subscriptions()} == down
    assert not [topic for topic in said if any(topic_matches_sub(pattern, topic) for pattern in down)]


def at_centre(centre: Broker) -> Peer:
    return Peer(centre.port, "#", username="home", password=SECRET)


def at_site(site: Broker) -> Peer:
    return Peer(site.port, "#", username="eye", password=SECRET)


async def test_values_come_up_and_commands_go_down(centre: Broker, site: Broker) -> None:
    with at_centre(centre) as ear:
        async with agent(site, username=NODE) as house:
            await until(lambda: ear.last(f"{BASE}/{NODE}/status") == "online" and ear.last(STATE) == "OFF")
            state = next(heard for heard in ear.heard if heard.topic == f"{BASE}/{NODE}/boiler/flow/state")
            assert state.expires_s is not None
            assert ear.last(f"homeassistant/device/lucid2mqtt_{NODE}/config")
            ear.say(SET, "ON")
            await until(lambda: ear.last(STATE) == "ON")
            assert [order.value for order in house.orders] == [True]
            ear.say("homeassistant/status", "online")
            await until(lambda: ear.all(STATE).count("ON") == 2)


async def test_a_command_goes_through_the_bridge_once(centre: Broker, site: Broker) -> None:
    with at_centre(centre) as above, at_site(site) as below:
        await until(lambda: above.last(LINE) == "1")
        above.say(SET, "TOGGLE")
        below.say(SET, "ON")
        await until(lambda: len(below.all(SET)) == 2)
        await asyncio.sleep(SOON_S)
        assert sorted(below.all(SET)) == ["ON", "TOGGLE"]
        assert above.all(SET) == ["TOGGLE"], "a command of the site itself is none of the centre's business"


async def test_a_retained_command_is_refused_and_does_not_go_in_circles(centre: Broker, site: Broker) -> None:
    with at_centre(centre) as above:
        async with agent(site, username=NODE) as house:
            await until(lambda: above.last(f"{BASE}/{NODE}/status") == "online")
            above.say(SET, "ON", retain=True)
            await until(lambda: "retained" in (above.last(ERROR) or ""))
            site.restart()
            await until(lambda: len(above.all(ERROR)) >= 2)
            await asyncio.sleep(SOON_S)
            assert house.orders == []
            assert above.all(SET) == ["ON"]
        with at_site(site) as below:
            await until(lambda: below.last(SET) == "ON")
            above.say(SET, "", retain=True)
            await until(lambda: below.last(SET) == "")
    with at_site(site) as later:
        await asyncio.sleep(SOON_S)
        assert not later.all(SET)


async def test_the_centre_sees_the_line_break_and_sends_nothing_late(centre: Broker, site: Broker) -> None:
    with at_centre(centre) as above:
        await until(lambda: above.last(LINE) == "1")
        site.kill()
        await until(lambda: above.last(LINE) == "0")
        above.say(SET, "ON")
        await until(lambda: above.last(SET) == "ON")
        site.start()
        with at_site(site) as below:
            await until(lambda: above.last(LINE) == "1")
            above.say(SET, "OFF")
            await until(lambda: below.last(SET) == "OFF")
            assert below.all(SET) == ["OFF"]


async def test_after_an_outage_of_the_centre_it_has_everything_again(centre: Broker, site: Broker) -> None:
    async with agent(site, username=NODE):
        with at_centre(centre) as above:
            await until(lambda: above.last(STATE) == "OFF")
        centre.restart()
        with at_centre(centre) as anew:
            await until(lambda: anew.last(STATE) == "OFF" and anew.last(f"{BASE}/{NODE}/status") == "online" and anew.last(LINE) == "1")
            assert set(anew.all(STATE)) == {"OFF"}


async def test_a_site_writes_only_its_own_branch(centre: Broker, site: Broker) -> None:
    with at_centre(centre) as ear, Peer(centre.port, "#", username="site-north", password="change-me") as intruder:
        intruder.say("lucid2mqtt/south/n/m/c/set", "ON")
        intruder.say(f"{BASE}/n/status", "online")
        await until(lambda: ear.last(f"{BASE}/n/status") == "online")
        assert not ear.all("lucid2mqtt/south/n/m/c/set")


def test_the_settings_of_a_site_load(tmp_path: Path) -> None:
    (example,) = (block.text for block in blocks("yaml") if block.page == PAGE)
    (tmp_path / "ca.pem").write_text("x")
    (tmp_path / "settings.yaml").write_text(example)
    assert load(tmp_path / "settings.yaml", {}).mqtt.base_topic == BASE


def test_who_comes_late_hears_all_that_a_fleet_left(tmp_path: Path) -> None:
    """mosquitto gives a subscriber at QoS 1 no more kept messages than fit into its queue; 1000 are its default."""
    role = (ROOT / "ansible/roles/lucid2mqtt_broker/templates/lucid2mqtt.conf.j2").read_text(encoding="utf-8")
    (setting,) = (line for line in role.splitlines() if line.startswith("max_queued_messages"))
    assert f"`{setting}`" in TEXT
    topics = {f"lucid2mqtt/n{node}/m/{channel}/state" for node in range(30) for channel in range(96)}
    with running_broker(tmp_path, extra=f"log_type none\n{setting}") as broker, Peer(broker.port, "end") as sender:
        for topic in topics:
            sender.say(topic, "1", retain=True)
        sender.say("end", "1")
        wait_until(lambda: sender.last("end"))
        with Peer(broker.port, "lucid2mqtt/#") as late:
            wait_until(lambda: {heard.topic for heard in tuple(late.heard)} == topics)
