from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from gantool import GantoolError
from gantool.runs import state as module
from gantool.runs.state import TENSORS, TREE, first_not_finite, load_state, pack, read_tensors, save_state, unpack, write_tensors


def round_trip(folder, state):
    save_state(folder, state)
    return load_state(folder)


def test_nested_plain_values_and_tensors_come_back(tmp_path, assert_same):
    shared = torch.arange(6.0).reshape(2, 3)
    state = {
        "plain": [None, True, 3, -0.5, "text", (1, ("a", [2])), {}, []],
        "keys": {1: "one", "1": "text", (2, "b"): {"$tensor": "no tensor"}, None: 0},
        "extremes": [math.inf, -math.inf, 2**70, 1e-320],
        "tensors": {"scalar": torch.tensor(3), "empty": torch.empty(0, 4), "bool": torch.tensor([True, False])},
        "dtypes": [
            torch.ones(3, dtype=dtype) for dtype in (torch.bfloat16, torch.float16, torch.float64, torch.uint8, torch.int64)
        ],
        "shared": [shared, shared],
        "view": shared[:, 1].contiguous(),
    }
    assert_same(round_trip(tmp_path, state), state)
    assert_same(unpack(pack(state)), state)


def test_views_and_transposed_tensors_keep_their_values(tmp_path):
    base = torch.arange(12.0).reshape(3, 4)
    found = round_trip(tmp_path, {"row": base[1], "transposed": base.T, "expanded": torch.ones(1).expand(5)})
    assert torch.equal(found["row"], base[1])
    assert torch.equal(found["transposed"], base.T)
    assert torch.equal(found["expanded"], torch.ones(5))


def test_not_a_number_comes_back(tmp_path):
    found = round_trip(tmp_path, {"plain": math.nan, "tensor": torch.tensor([math.nan, 1.0])})
    assert math.isnan(found["plain"])
    assert found["tensor"].isnan().tolist() == [True, False]


def test_the_layout_of_images_and_weights_is_kept(tmp_path):
    weight = torch.randn(4, 3, 5, 5)
    found = round_trip(tmp_path, {"last": weight.to(memory_format=torch.channels_last), "first": weight})
    assert found["last"].is_contiguous(memory_format=torch.channels_last)
    assert found["first"].is_contiguous()
    assert torch.equal(found["last"], found["first"])


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)])
def test_the_state_of_an_optimizer_with_its_integer_keys_comes_back(tmp_path, assert_same, optimizer):
    network = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    trained = optimizer(network.parameters())
    network(torch.randn(2, 3, 8, 8)).sum().backward()
    trained.step()
    found = round_trip(tmp_path, trained.state_dict())
    assert_same(found, trained.state_dict())
    optimizer(network.parameters()).load_state_dict(found)


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes", torch.float32, 1 + 2j])
def test_what_is_neither_tensor_nor_plain_is_refused_by_name(tmp_path, value):
    with pytest.raises(TypeError, match=f"tensors and plain values, not {type(value).__name__}"):
        save_state(tmp_path, {"deep": [{"value": value}]})


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        (TENSORS, lambda data: data[:-3]),
        (TENSORS, lambda data: data[:5]),
        (TENSORS, lambda data: b""),
        (TENSORS, lambda data: b"PK\x03\x04" + data),
        (TREE, lambda data: data[:-3]),
        (TREE, lambda data: b""),
        (TREE, lambda data: b"3"),
        (TREE, lambda data: b"{}"),
        (TREE, lambda data: b"\xff\xfe"),
        (TREE, lambda data: data.replace(b'{"$tensor": "0"', b'{"$tensor": "9"')),
        (TREE, lambda data: data.replace(b'"channels_last"', b'"channels"')),
    ],
)
def test_a_damaged_checkpoint_is_one_line_that_says_what_to_delete(tmp_path, file, damage):
    save_state(tmp_path, {"weight": torch.randn(3, 3), "step": 4})
    (tmp_path / file).write_bytes(damage((tmp_path / file).read_bytes()))
    with pytest.raises(GantoolError, match=rf"{file}.*: delete .* to go on from the checkpoint before it") as error:
        load_state(tmp_path)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    save_state(tmp_path, {"a": 1})
    (tmp_path / TENSORS).unlink()
    with pytest.raises(GantoolError, match=rf"{TENSORS} is missing: delete"):
        load_state(tmp_path)
    with pytest.raises(GantoolError, match="x is missing"):
        read_tensors(tmp_path / "x")


def test_a_file_that_may_not_be_read_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"")

    def refuse(*_words, **_named):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(GantoolError, match="x cannot be read: Permission denied"):
        read_tensors(tmp_path / "x")


def test_nothing_is_stored_as_pickle(tmp_path):
    save_state(tmp_path, {"a": torch.ones(2), "b": 1})
    assert sorted(path.name for path in tmp_path.iterdir()) == [TREE, TENSORS]
    json.loads((tmp_path / TREE).read_text())
    assert read_tensors(tmp_path / TENSORS)["0"].tolist() == [1, 1]


def test_an_error_of_the_operating_system_is_raised_as_one(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        write_tensors(tmp_path / "no folder" / "x", {"a": torch.ones(2)})

    def other(*_):
        raise SafetensorError("something else")

    monkeypatch.setattr(module, "save_file", other)
    with pytest.raises(SafetensorError, match="something else"):
        write_tensors(tmp_path / "x", {"a": torch.ones(2)})


def test_the_first_tensor_that_is_not_finite_is_named():
    good = {"a": {1: torch.ones(2), "n": [torch.tensor(3), math.inf, "text"]}}
    assert first_not_finite(good) is None
    assert first_not_finite({**good, "b": {0: {"exp_avg": torch.tensor([1, math.nan])}}}) == "b.0.exp_avg"
    assert first_not_finite([torch.ones(1), (torch.tensor(-math.inf),)]) == "1.0"
