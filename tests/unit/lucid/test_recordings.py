"""What real modules said runs through all decoders."""

from __future__ import annotations

import pytest

from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.lucid.assumptions import judge
from lucid2mqtt.lucid.families import describe
from lucid2mqtt.lucid.frames import Opcode
from lucid2mqtt.lucid.identity import parse_identity
from lucid2mqtt.lucid.readers import ReplyReader, RequestReader
from lucid2mqtt.lucid.values import ValueType, decode_group
from tests.unit.lucid.samples import Sample, recordings

RECORDINGS = recordings()


@pytest.mark.parametrize(("name", "recording"), RECORDINGS.items(), ids=list(RECORDINGS))
def test_a_real_module_is_understood(name: str, recording: Sample) -> None:
    requests, replies = RequestReader(), ReplyReader()
    exchanges = recording["exchanges"]
    pairs = []
    for exchange in exchanges:
        (request,) = requests.feed(bytes.fromhex(exchange["request"]))
        (reply,) = replies.feed(bytes.fromhex(exchange["reply"]))
        assert exchange["meaning"]
        pairs.append((request, reply))
    assert requests.pending == replies.pending == 0

    identity = parse_identity(pairs[0][1].data_or_refusal(pairs[0][0]))
    module = describe(identity)
    assert name == f"{recording['family'].lower()}-fw{recording['firmware']}"
    assert (module.family.name, module.text) == (recording["family"], recording["type"])
    assert (identity.firmware, identity.hardware, identity.serial) == (recording["firmware"], recording["hardware"], recording["serial"])

    for exchange, (request, reply) in zip(exchanges, pairs, strict=True):
        data = reply.data_or_refusal(request)
        assert request.reply_length in {None, len(data)}
        if request.opcode in {Opcode.GET_IO, Opcode.GET_IO_GROUP}:
            values = decode_group(ValueType(request.option), data)
            assert list(values) == exchange["values"]
            assert {judge(module, channel, value)[0] for channel, value in zip(request.channels, values, strict=True)} == {Quality.GOOD}


def test_there_is_at_least_one_recording() -> None:
    assert "ai4-fw22" in RECORDINGS
