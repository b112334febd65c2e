"""Every published or derived exchange passes through readers, constructors and decoders."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lucid2mqtt.errors import DeviceRefused
from lucid2mqtt.lucid import frames
from lucid2mqtt.lucid.families import describe
from lucid2mqtt.lucid.frames import Reply, Request
from lucid2mqtt.lucid.identity import parse_identity
from lucid2mqtt.lucid.parameters import Parameter, find_parameter
from lucid2mqtt.lucid.readers import ReplyReader, RequestReader
from lucid2mqtt.lucid.values import ValueType, decode_group, encode
from tests.unit.lucid.samples import Sample, family, vectors

VECTORS = vectors()
every_vector = pytest.mark.parametrize("vector", VECTORS, ids=[f"{vector['family']}-{vector['name']}" for vector in VECTORS])


def frames_of(vector: Sample) -> tuple[Request, Reply]:
    (request,) = RequestReader().feed(bytes.fromhex(vector["request"]))
    (reply,) = ReplyReader().feed(bytes.fromhex(vector["reply"]))
    return request, reply


def parameter_of(vector: Sample) -> Parameter:
    _, channel, name, *_ = vector["call"]
    return find_parameter(family(vector["family"]), channel, name)


def build_set_io_group(values: dict[str, float], name: str) -> Request:
    value_type = ValueType[name]
    return frames.set_io_group({int(channel): encode(value_type, value) for channel, value in values.items()}, value_type)


# by the first word of a vector's `call`, with the vector itself and the other words
BUILDERS: dict[str, Callable[..., Request]] = {
    "get_id": lambda _, option: frames.get_id(option),
    "get_io": lambda _, channel, name: frames.get_io(channel, ValueType[name]),
    "get_io_group": lambda _, channels, name: frames.get_io_group(channels, ValueType[name]),
    "set_io": lambda _, channel, name, value: frames.set_io(channel, ValueType[name], encode(ValueType[name], value)),
    "set_io_group": lambda _, values, name: build_set_io_group(values, name),
    "calibrate_io": lambda _, channel, persistent: frames.calibrate_io(channel, persistent=persistent),
    "get_parameter": lambda vector, channel, _: frames.get_parameter(channel, parameter_of(vector).address),
    "set_parameter": lambda vector, channel, _, value, persistent: frames.set_parameter(
        channel, parameter_of(vector).address, parameter_of(vector).encode(value), persistent=persistent
    ),
    "reset_parameter": lambda vector, channel, _, persistent: frames.reset_parameter(
        channel, parameter_of(vector).address, persistent=persistent
    ),
}


def test_there_are_as_many_vectors_as_were_collected() -> None:
    assert len(VECTORS) == 111


@every_vector
def test_both_frames_re_encode_to_the_same_bytes(vector: Sample) -> None:
    request, reply = frames_of(vector)
    assert request.encode().hex() == vector["request"]
    assert reply.encode().hex() == vector["reply"]


@every_vector
def test_the_reply_has_the_length_the_request_promises(vector: Sample) -> None:
    request, reply = frames_of(vector)
    if reply.ok and request.reply_length is not None:
        assert len(reply.data) == request.reply_length
    else:
        assert not reply.ok or request.title in {"GetId", "GetParam"}


@pytest.mark.parametrize("vector", [vector for vector in VECTORS if "call" in vector], ids=lambda vector: vector["name"])
def test_the_constructors_build_the_request(vector: Sample) -> None:
    request, _ = frames_of(vector)
    command, *arguments = vector["call"]
    assert BUILDERS[command](vector, *arguments) == request
    assert request.fault == ""


@pytest.mark.parametrize("vector", [vector for vector in VECTORS if "reads" in vector], ids=lambda vector: vector["name"])
def test_the_reply_says_what_the_vector_says(vector: Sample) -> None:
    request, reply = frames_of(vector)
    data = reply.data_or_refusal(request)
    match request.title:
        case "GetId":
            identity = parse_identity(data)
            assert {name: getattr(identity, name) for name in vector["reads"]} == vector["reads"]
            assert identity.encode() == data
            assert vector["family"] in {describe(identity).family.name, "any"}
        case "GetParam":
            assert parameter_of(vector).decode(data) == vector["reads"]
        case _:
            assert list(decode_group(ValueType(request.option), data)) == vector["reads"]
            assert len(request.channels) == len(vector["reads"])


def test_every_error_reply_is_a_refusal_with_its_code() -> None:
    refused = [frames_of(vector) for vector in VECTORS if not vector["reply"].startswith("00")]
    assert {reply.status for _, reply in refused} == {0xA0, 0xB0, 0xB4, 0xB8, 0xBA}
    for request, reply in refused:
        with pytest.raises(DeviceRefused, match=f"0x{reply.status:02X}"):
            reply.data_or_refusal(request)
