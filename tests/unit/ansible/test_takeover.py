"""What becomes of the connections of a ser2net."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.settings.passthrough import PassthroughSettings
from tests.unit.ansible.filters import role_filter

plan = role_filter("lucid2mqtt", "takeover.py", "lucid2mqtt_ser2net_plan")
merged = role_filter("lucid2mqtt", "takeover.py", "lucid2mqtt_passthrough")

Json = dict[str, Any]  # Any: JSON

RELAYS, METER = "/dev/ttyACM0", "/dev/ttyUSB0"
BY_PATH = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0"
NODE: Json = {
    "ipv6": False,
    "devices": {
        RELAYS: {"real": RELAYS, "module": {"family": "DO4", "serial": 4711}, "detail": ""},
        BY_PATH: {"real": RELAYS, "module": {"family": "DO4", "serial": 4711}, "detail": ""},
        METER: {"real": METER, "module": None, "detail": ""},
        "/dev/ttyACM7": {"real": None, "module": None, "detail": ""},
        "/dev/ttyACM8": {"real": "/dev/ttyACM8", "module": None, "detail": "held by ser2net (pid 812)"},
    },
}


def connection(device: str = RELAYS, **instead: object) -> Json:
    usual: Json = {"name": "con1", "scheme": "tcp", "host": "", "port": 4001, "device": device, "line": {}, "only": [], "idle_s": 0}
    return usual | instead


def planned(
    *connections: Json,
    node: Json = NODE,
    settings: Json | None = None,
    clients: tuple[Json, ...] = (),
    leave: tuple[object, ...] = (),
    left: tuple[Json, ...] = (),
) -> Json:
    done: Json = plan({"connections": list(connections), "left": list(left)}, node, settings or {}, clients, leave)
    for entry in done["passthrough"]:
        PassthroughSettings.model_validate(entry)
    return done


def test_a_module_may_be_read_by_everybody_and_switched_by_nobody() -> None:
    done = planned(connection())
    assert done["passthrough"] == [{"listen": "tcp://0.0.0.0:4001", "module": "do4-4711"}]
    assert done["undecided"] == []
    assert done["said"] == ["TCP 4001 (con1): /dev/ttyACM0, that is do4-4711; everybody may read, nobody may do more"]


@pytest.mark.parametrize("match", [{"serial": 4711}, {"port": RELAYS}, {"port": BY_PATH}])
def test_a_module_is_called_as_the_inventory_calls_it(match: Json) -> None:
    done = planned(connection(), settings={"modules": [{"match": {"serial": 1}, "name": "doors"}, {"match": match, "name": "heaters"}]})
    assert done["passthrough"][0]["module"] == "heaters"


def test_a_module_the_inventory_knows_by_its_port_need_not_be_plugged_in() -> None:
    away = connection("/dev/ttyACM7")
    assert planned(away)["undecided"] == [
        "TCP 4001 (con1): /dev/ttyACM7 is not there: plug it in, or leave it behind with lucid2mqtt_ser2net_leave"
    ]
    known = planned(away, settings={"modules": [{"match": {"port": "/dev/ttyACM7"}, "name": "heaters"}]})
    assert known["passthrough"][0]["module"] == "heaters"


def test_a_module_that_somebody_holds_is_not_taken_for_another_device() -> None:
    assert planned(connection("/dev/ttyACM8"))["undecided"] == [
        "TCP 4001 (con1): /dev/ttyACM8 does not say which module it is: held by ser2net (pid 812)"
    ]


@pytest.mark.parametrize(
    ("host", "ipv6", "listening"),
    [
        ("", False, ["tcp://0.0.0.0:4001"]),
        ("", True, ["tcp://0.0.0.0:4001", "tcp://[::]:4001"]),
        ("localhost", True, ["tcp://localhost:4001"]),
        ("::1", True, ["tcp://[::1]:4001"]),
    ],
)
def test_it_listens_where_ser2net_did(host: str, ipv6: bool, listening: list[str]) -> None:
    done = planned(connection(host=host), node={**NODE, "ipv6": ipv6})
    assert [entry["listen"] for entry in done["passthrough"]] == listening


def test_only_those_may_come_to_a_module_who_might_before() -> None:
    (entry,) = planned(connection(only=["192.0.2.17"]))["passthrough"]
    assert (entry["access"], entry["clients"]) == ("none", [{"address": "192.0.2.17", "access": "read"}])


def test_clients_of_the_inventory_come_first_and_are_said() -> None:
    done = planned(connection(only=["192.0.2.17"]), clients=({"address": "192.0.2.17", "access": "outputs"},))
    (entry,) = done["passthrough"]
    assert entry["clients"][0] == {"address": "192.0.2.17", "access": "outputs"}
    assert "192.0.2.17 has outputs" in done["said"][0]


def test_another_device_is_for_this_machine_alone() -> None:
    done = planned(connection(METER, host="localhost", line={"baud_rate": 19200}, idle_s=600))
    (entry,) = done["passthrough"]
    assert entry == {
        "listen": "tcp://localhost:4001",
        "port": METER,
        "mode": "exclusive",
        "access": "all",
        "line": {"baud_rate": 19200},
        "idle_s": 600,
    }
    assert done["devices"] == ["char-ttyUSB rw"]


def test_another_device_in_the_network_waits_until_somebody_is_named() -> None:
    assert "name who may, with access all" in planned(connection(METER))["undecided"][0]
    assert "name who may" in planned(connection(METER), clients=({"address": "192.0.2.17", "access": "outputs"},))["undecided"][0]
    (entry,) = planned(connection(METER), clients=({"address": "192.0.2.17", "access": "all"},))["passthrough"]
    assert (entry["access"], entry["clients"]) == ("none", [{"address": "192.0.2.17", "access": "all"}])
    (entry,) = planned(connection(METER, only=["192.0.2.18"]))["passthrough"]
    assert entry["clients"] == [{"address": "192.0.2.18", "access": "all"}]


def test_a_device_that_is_served_with_two_lines_has_to_be_decided() -> None:
    first, second = (connection(METER, host="localhost", port=port, line={"baud_rate": rate}) for port, rate in ((4001, 300), (4002, 600)))
    done = planned(first, second)
    assert len(done["passthrough"]) == 1
    assert "is served a second time with another line" in done["undecided"][0]
    assert planned(first, second, leave=(4002,))["undecided"] == []
    assert planned(first, {**second, "line": first["line"]})["undecided"] == []


def test_a_pseudo_terminal_needs_no_allowance() -> None:
    node = {"ipv6": False, "devices": {"/run/x": {"real": "/dev/pts/3", "module": None, "detail": ""}}}
    assert planned(connection("/run/x", host="localhost"), node=node)["devices"] == []


def test_a_listener_of_the_inventory_wins() -> None:
    own: Json = {"passthrough": [{"listen": "tcp://192.0.2.1:4001", "module": "mine"}]}
    done = planned(connection(), settings=own, left=({"name": "con9", "ports": [4001], "why": "it is encrypted"},))
    assert (done["passthrough"], done["undecided"]) == ([], [])
    assert done["said"] == ["TCP 4001 (con1): the inventory has a listener of its own"]
    taken = [{"listen": "tcp://0.0.0.0:4001", "module": "a"}, {"listen": "tcp://0.0.0.0:4002", "module": "b"}]
    assert merged(own["passthrough"], taken) == [own["passthrough"][0], taken[1]]


@pytest.mark.parametrize(("own", "taken"), [(None, None), ([], []), (None, []), ([], None)])
def test_nothing_and_nothing_is_nothing(own: list[Json] | None, taken: list[Json] | None) -> None:
    assert merged(own, taken) == []


@pytest.mark.parametrize("leave", [(4001,), ("4001",), ("con1",)])
def test_what_nobody_needs_is_left_behind(leave: tuple[object, ...]) -> None:
    assert planned(connection(), leave=leave)["passthrough"] == []
    assert planned(left=({"name": "con1", "ports": [4001], "why": "clients come in by udp"},), leave=leave)["undecided"] == []


def test_what_has_no_counterpart_has_to_be_decided() -> None:
    done = planned(left=({"name": "con1", "ports": [4001], "why": "clients come in by udp"}, {"name": "include", "ports": [], "why": "x"}))
    assert done["undecided"] == ["TCP 4001 (con1): clients come in by udp", "include: x"]


@pytest.mark.parametrize("entry", [{}, {"listen": None}, {"listen": "pty:///run/x"}, {"listen": "tcp://x"}, "no listener"])
def test_a_faulty_listener_of_the_inventory_is_left_for_check(entry: object) -> None:
    taken = [{"listen": "tcp://0.0.0.0:4001", "module": "a"}]
    assert merged([entry], taken) == [entry, *taken]
    assert len(planned(connection(), settings={"passthrough": [entry]})["passthrough"]) == 1


CONNECTIONS = st.builds(
    connection,
    st.sampled_from([*NODE["devices"], "/dev/elsewhere"]),
    scheme=st.sampled_from(["tcp", "rfc2217"]),
    host=st.sampled_from(["", "localhost", "127.0.0.1", "192.0.2.1", "::1", "fe80::1", "az-2.lan"]),
    port=st.integers(1, 65535),
    line=st.sampled_from([{}, {"baud_rate": 19200}, {"parity": "M", "stop_bits": 2, "xonxoff": True}]),
    only=st.sampled_from([[], ["192.0.2.17"], ["192.0.2.17", "2001:db8::1"]]),
    idle_s=st.sampled_from([0, 1, 600]),
)
CLIENTS = st.sampled_from([(), ({"address": "192.0.2.0/24", "access": "outputs"},), ({"address": "192.0.2.9", "access": "all"},)])


@given(st.lists(CONNECTIONS, max_size=4), CLIENTS, st.booleans())
def test_the_agent_takes_every_plan_and_nothing_is_forgotten(connections: list[Json], clients: tuple[Json, ...], ipv6: bool) -> None:
    done = planned(*connections, node={**NODE, "ipv6": ipv6}, clients=clients)
    assert len(done["said"]) + len(done["undecided"]) == len(connections)
    named = {client["address"] for client in clients}
    for entry in done["passthrough"]:
        granted = {client["address"] for client in entry.get("clients", ()) if client["access"] in ("outputs", "all")}
        if "module" in entry:
            assert entry.get("access", "read") in ("none", "read"), "nobody switches who was not named"
            assert granted <= named
        else:
            assert (
                entry["access"] == "none" or "localhost" in entry["listen"] or "127.0.0.1" in entry["listen"] or "[::1]" in entry["listen"]
            )
