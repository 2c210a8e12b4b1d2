"""`gantool.save` of what users put around a network, or made of it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.optim.swa_utils import AveragedModel

import gantool
from gantool import GantoolError


def build() -> nn.Module:
    return gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1)


def compiled_inside(module: nn.Module) -> nn.Module:
    module.blocks[0] = torch.compile(module.blocks[0])
    return module


def normalised(module: nn.Module) -> nn.Module:
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            parametrizations.weight_norm(part)
    return module


def compiled_in_place(module: nn.Module) -> nn.Module:
    module.compile()
    return module


AROUND = {
    "torch.compile": torch.compile,
    "torch.compile twice": lambda module: torch.compile(nn.DataParallel(module)),
    "compiled in place": compiled_in_place,
    "a part compiled": compiled_inside,
    "DataParallel": nn.DataParallel,
    "an average": AveragedModel,
    "weight norm": normalised,
}


@pytest.mark.parametrize("name", AROUND)
def test_what_was_put_around_a_network_is_left_out(tmp_path, name):
    module = build()
    images = torch.rand(1, 1, 9, 9) * 2 - 1
    wanted = module.eval()(images)
    keys = list(module.state_dict())
    around = AROUND[name](module)
    loaded = gantool.load(gantool.save(around, tmp_path / "net"))
    torch.testing.assert_close(loaded(images), wanted, atol=1e-6, rtol=0)
    assert list(loaded.state_dict()) == keys
    if name == "weight norm":
        assert any("parametrizations" in key for key in around.state_dict())  # the caller's is as it was


def wider(module: nn.Module) -> nn.Module:
    part, name = next(
        (part, name) for part in module.modules() for name, each in part.named_children() if isinstance(each, nn.Conv2d)
    )
    setattr(part, name, nn.Conv2d(1, 7, 3))
    return module


def more(module: nn.Module) -> nn.Module:
    module.extra = nn.Linear(2, 2)
    return module


def old_norm(module: nn.Module) -> nn.Module:
    part = next(part for part in module.modules() if isinstance(part, nn.Conv2d))
    with pytest.warns(FutureWarning):
        torch.nn.utils.weight_norm(part)
    return module


@pytest.mark.parametrize("altered", [wider, more, old_norm, lambda module: module.to("meta")])
def test_a_network_that_could_not_be_loaded_is_not_written_over_a_good_one(tmp_path, altered):
    folder = gantool.save(build(), tmp_path / "net")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(GantoolError, match="no longer simgan:refiner as it was built|has no values") as told:
        gantool.save(altered(build()), folder)
    assert "\n" not in str(told.value)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "call",
    [
        gantool.load,
        lambda run: gantool.refine(run, input="a", output="b"),
        lambda run: gantool.export(run, "a.onnx"),
        gantool.evaluate,
    ],
)
@pytest.mark.parametrize(
    ("run", "got"),
    [
        (None, "got None"),
        (3, "got 3"),
        ("", "got ''"),
        (nn.Identity(), r"got Identity: gantool\.save\(module, folder\) makes one"),
    ],
)
def test_what_is_no_folder_of_a_run_is_one_line(call, run, got):
    with pytest.raises(GantoolError, match=f"^run must be the folder of a run, or one that gantool.save wrote, {got}"):
        call(run)
