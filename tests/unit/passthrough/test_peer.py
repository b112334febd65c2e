from __future__ import annotations

import os
import pwd
import socket

from lucid2mqtt.passthrough.peer import Peer, tcp_peer, tls_peer, unix_peer

SUBJECT = ((("countryName", "DE"),), (("commonName", "old-style"),))


def test_a_tcp_client_is_its_host_on_all_its_connections() -> None:
    one, other = tcp_peer(("192.0.2.7", 1001)), tcp_peer(("192.0.2.7", 1002))
    assert one.identity == other.identity == "192.0.2.7"
    assert one.address == "192.0.2.7:1001"


def test_an_ipv4_client_on_an_ipv6_socket_is_the_same_client() -> None:
    assert tcp_peer(("::ffff:192.0.2.7", 1, 0, 0)) == tcp_peer(("192.0.2.7", 1))
    assert tcp_peer(("fe80::1%eth0", 1, 0, 2)).address == "[fe80::1]:1"


def test_a_certificate_names_by_its_alternative_names() -> None:
    peer = tls_peer(
        tcp_peer(("192.0.2.7", 1)),
        {"subject": SUBJECT, "subjectAltName": (("DNS", "lab-pc"), ("IP Address", "192.0.2.7"), ("email", "a@b"))},
    )
    assert peer.identity == "lab-pc"
    assert peer.names == ("lab-pc", "a@b")
    assert str(peer) == "lab-pc (192.0.2.7:1)"


def test_the_common_name_counts_only_where_there_is_no_other() -> None:
    assert tls_peer(tcp_peer(("192.0.2.7", 1)), {"subject": SUBJECT}).names == ("old-style",)


def test_without_a_certificate_it_stays_an_address() -> None:
    peer = tcp_peer(("192.0.2.7", 1))
    assert tls_peer(peer, None) == tls_peer(peer, {}) == peer


def test_a_client_on_a_unix_socket_is_the_user_the_kernel_says() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        peer = unix_peer(ours)
    login = pwd.getpwuid(os.getuid()).pw_name
    assert peer == Peer(f"user {login}", f"pid {os.getpid()}", names=(login,))


def test_a_user_without_a_name_has_a_number() -> None:
    class Nameless:
        def getsockopt(self, *_: object) -> bytes:
            return (7).to_bytes(4, "little") + (4_000_000).to_bytes(4, "little") + bytes(4)

    assert unix_peer(Nameless()).identity == "user uid-4000000"  # type: ignore[arg-type]
