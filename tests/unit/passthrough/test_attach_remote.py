import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.passthrough.attach_remote import Remote, Way, parse_remote


@pytest.mark.parametrize(
    ("text", "remote"),
    [
        ("tcp://cabin.lan:4001", Remote(Way.TCP, "cabin.lan", 4001)),
        ("TLS://[fd00::1]:4001", Remote(Way.TLS, "fd00::1", 4001)),
        ("unix:///run/x.sock", Remote(Way.UNIX, path="/run/x.sock")),
    ],
)
def test_the_three_ways_are_read_and_written_again(text: str, remote: Remote) -> None:
    assert parse_remote(text) == remote
    assert parse_remote(str(remote)) == remote


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cabin:4001",
        "4001",
        "http://cabin:80",
        "tcp://cabin",
        "tcp://:4001",
        "tcp://cabin:0",
        "tcp://cabin:65536",
        "tcp://cabin:x",
        "tcp://a@cabin:1",
        "tcp://cabin:1/x",
        "tcp://cabin:1?x",
        "tcp://[::1:1",
        "tcp://a..b:1",
        "tcp://.lan:1",
        "tcp://" + "a" * 64 + ":1",
        "tcp://a\0b:1",
        "unix://run/x",
        "unix:///run/",
        "unix:",
    ],
)
def test_everything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"write (tcp|unix)://"):
        parse_remote(text)


@given(st.text() | st.text().map("tcp://{}".format) | st.text().map("unix:///{}".format))
def test_whatever_is_typed_is_a_remote_that_can_be_written_or_refused(text: str) -> None:
    try:
        remote = parse_remote(text)
    except ValueError:
        return
    assert remote.path or 0 < remote.port < 65536
