import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.console.wire import decode, encode, error_document, error_from
from lucid2mqtt.errors import DeviceRefused, GarbledReply, LinkBusy, LinkError, LinkLost, LucidError, Reason, ReplyTimeout, RequestRejected

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), _JSON, max_size=4))
def test_a_document_is_one_line_and_comes_back_the_same(document: dict[str, object]) -> None:
    line = encode(document)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == document


@given(st.binary(max_size=60))
def test_any_line_is_an_object_or_a_value_error(line: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(decode(line), dict)


@pytest.mark.parametrize("line", [b"[]\n", b"1\n", b"\n", b"{", b"[" * 100_000])
def test_what_is_no_object_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expecting|nested"):
        decode(line)


@pytest.mark.parametrize(
    "error",
    [
        RequestRejected(Reason.CLAIMED, "it is claimed", "ask the thermostat"),
        DeviceRefused(0xB8, "channel invalid"),
        LinkLost("gone", sent=True),
        LinkBusy("held"),
        ReplyTimeout("late", sent=True),
        LinkError("link"),
        LucidError("something else"),
    ],
)
def test_an_error_comes_back_as_it_was(error: LucidError) -> None:
    back = error_from(decode(encode(error_document(error))))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_an_unlisted_link_error_is_still_a_link_error() -> None:
    assert type(error_from(error_document(GarbledReply("odd", sent=True)))) is LinkError


@given(st.dictionaries(st.sampled_from(["kind", "reason", "message", "status", "remedy", "sent"]), _JSON))
def test_any_error_document_is_an_error(document: dict[str, object]) -> None:
    assert isinstance(error_from(document), LucidError)
