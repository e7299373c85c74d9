"""Tensors that lie outside of their file are found wherever a model can hold a tensor."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_onnx import external_tensor, field, model, node, scaling, tensor, varint

from cortexia.errors import ModelError
from cortexia.models.formats.content import check_model
from cortexia.models.formats.protobuf import MalformedProtobuf, external_data, is_onnx, read_fields

BAD = external_tensor("w", "../../etc/passwd")


def in_attribute(number: int, value: bytes) -> bytes:
    return field(1, node("Constant", [], ["y"], attributes=field(5, field(1, "value") + field(number, value))))


def nested(depth: int, graph: bytes) -> bytes:
    for _ in range(depth):
        graph = in_attribute(6, graph)
    return graph


PLACES = {
    "initializer": model(field(5, BAD)),
    "sparse initializer": model(field(15, field(1, BAD))),
    "indices of one": model(field(15, field(2, BAD))),
    "attribute": model(in_attribute(5, BAD)),
    "attribute of tensors": model(in_attribute(10, BAD)),
    "sparse attribute": model(in_attribute(22, field(1, BAD))),
    "sparse attributes": model(in_attribute(23, field(1, BAD))),
    "subgraph": model(nested(3, field(5, BAD))),
    "subgraphs": model(in_attribute(11, field(5, BAD))),
    "function": model(b"", more=field(25, field(7, node("C", [], [], attributes=field(5, field(5, BAD)))))),
    "default of a function": model(b"", more=field(25, field(11, field(5, BAD)))),
    "training": model(b"", more=field(20, field(1, field(5, BAD)))),
    "algorithm of a training": model(b"", more=field(20, field(2, field(5, BAD)))),
    "second graph": scaling() + field(7, field(5, BAD)),
    "location alone": model(field(5, tensor("w", [1.0], field(14, 1)))),
    "location of 33 bits": model(field(5, tensor("w", [1.0], field(14, 1 << 32 | 1)))),
    "location as bytes": model(field(5, tensor("w", [1.0], field(14, b"\1")))),
}


@pytest.mark.parametrize("data", PLACES.values(), ids=PLACES)
def test_external_data_is_refused(data):
    with pytest.raises(ModelError, match="other files") as raised:
        check_model(data, "w.onnx")
    assert raised.value.reason == "external_data"


def test_tensors_in_the_file_are_taken():
    assert check_model(scaling(), "w.onnx") == "onnx"
    assert external_data(memoryview(model(field(5, tensor("w", [1.0], field(14, 0)))))) is None


@pytest.mark.parametrize(
    "data",
    [
        model(nested(70, b"")),
        model(varint(5 << 3) + b"\1"),
        model(field(5, b"\x0b")),
        model(field(5, b"\xff" * 11)),
    ],
    ids=["deep", "no message", "group", "long number"],
)
def test_malformed_messages_are_refused(data):
    with pytest.raises(ModelError) as raised:
        check_model(data, "w.onnx")
    assert raised.value.reason == "malformed"


@pytest.mark.parametrize(
    "data", [b"\x08", b"\x0a\x05abc", b"\x00\x01", b"\x0b", b"\x0d\x00", b"\x80\x80\x80\x80\x80\x01\x00"]
)
def test_what_is_cut_off_is_no_message(data):
    with pytest.raises(MalformedProtobuf):
        list(read_fields(memoryview(data)))
    assert not is_onnx(memoryview(data))


def test_the_walk_reads_every_wire_type():
    fields = list(read_fields(memoryview(field(1, 300) + b"\x11" + b"\0" * 8 + b"\x1d" + b"\0" * 4 + field(4, "ab"))))
    assert [number for number, _ in fields] == [1, 2, 3, 4]
    assert fields[0][1] == 300
    assert bytes(fields[3][1]) == b"ab"


def test_a_message_of_another_kind_is_no_model():
    assert not is_onnx(memoryview(field(30, "x") + field(7, b"")))
    assert not is_onnx(memoryview(field(1, 8)))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damage_ends_as_an_error_of_ours_or_not_at_all(data):
    good = bytearray(data.draw(st.sampled_from(list(PLACES.values()) + [scaling()])))
    for _ in range(data.draw(st.integers(1, 5))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ModelError):
        check_model(bytes(good), "w.onnx")
