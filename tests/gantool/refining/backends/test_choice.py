from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import gantool
from gantool.components import Channels
from gantool.errors import GantoolError, MissingExtra
from gantool.model.tracing import to_onnx, trace
from gantool.refining.backends import choice
from gantool.refining.backends.choice import NAMES, SelectedBackend

for package in ("onnx", "onnxscript", "onnxruntime", "openvino"):
    pytest.importorskip(package)

CPU = torch.device("cpu")
SHAPES = [(3, 1, 35, 55), (1, 1, 35, 55), (2, 1, 17, 9), (1, 1, 3, 3), (1, 1, 1, 6), (1, 1, 2, 2), (0, 1, 8, 8)]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """Needs images of 3 px or more to reflect them; smaller ones are replicated."""
    torch.manual_seed(0)
    return gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1, kernel=5).eval()


@pytest.fixture(scope="module")
def graph(network: nn.Module) -> bytes:
    return to_onnx(trace(network, Channels(1)))


@pytest.fixture
def open_backend(
    network: nn.Module, graph: bytes, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[SelectedBackend, list[str]]]:
    """Opens a backend that does not export the network again, and a list of its notices."""
    monkeypatch.setattr(choice, "to_onnx", lambda _: graph)
    monkeypatch.setattr(choice, "trace", lambda *_: type("Traced", (), {"minimum": 3}))

    def make(name: str, module: nn.Module = network) -> tuple[SelectedBackend, list[str]]:
        notices: list[str] = []
        return SelectedBackend(name, module, 1, CPU, notices.append), notices

    return make


def images(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


@torch.inference_mode()
@pytest.mark.parametrize("name", ["torch", "onnxruntime", "openvino"])
def test_every_backend_gives_what_torch_gives_at_every_size(open_backend, network: nn.Module, name: str) -> None:
    backend, notices = open_backend(name)
    for shape in SHAPES:
        given = images(*shape)
        expected, found = network(given), backend(given.contiguous(memory_format=torch.channels_last))
        assert found.shape == expected.shape
        assert float((found - expected).abs().max() if len(given) else 0) <= 1e-5, shape
    assert (backend.name, notices) == (name, [])


@torch.inference_mode()
def test_answers_stay_when_the_next_batch_is_computed(open_backend, network: nn.Module) -> None:
    for name in ("onnxruntime", "openvino"):
        backend, _ = open_backend(name)
        first = backend(images(1, 1, 8, 8))
        backend(-images(1, 1, 8, 8))
        torch.testing.assert_close(first, network(images(1, 1, 8, 8)), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_openvino_with_many_sizes(open_backend, network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gantool.refining.backends.runtimes._SHAPES", 2)
    backend, notices = open_backend("openvino")
    for side in (8, 9, 10, 11, 8):
        torch.testing.assert_close(backend(images(1, 1, side, 7)), network(images(1, 1, side, 7)), atol=1e-5, rtol=0)
    assert not notices


def test_compile_asks_for_free_sizes(open_backend, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict] = []
    monkeypatch.setattr(torch, "compile", lambda module, **options: asked.append(options) or module)
    backend, _ = open_backend("compile")
    assert (backend.name, asked) == ("compile", [{"dynamic": True}])
    assert backend(images(1, 1, 8, 8)).shape == (1, 1, 8, 8)


@pytest.mark.parametrize(("name", "device", "message"), [("tensorrt", "cpu", "none of"), ("openvino", "cuda", "--device cpu")])
def test_names_and_devices_that_do_not_go(network: nn.Module, name: str, device: str, message: str) -> None:
    with pytest.raises(GantoolError, match=message):
        SelectedBackend(name, network, 1, torch.device(device), print)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_a_missing_extra_is_named(open_backend, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=rf"--backend {name} needs {name}: pip install 'simgan-plugin\[export\]'"):
        open_backend(name)


class Failing:
    name = "onnxruntime"

    def __init__(self, graph: bytes) -> None: ...

    def __call__(self, images: Tensor) -> Tensor:
        raise RuntimeError("out of luck\nand more")


class Wrong(Failing):
    def __call__(self, images: Tensor) -> Tensor:
        return images + 1


def test_a_backend_that_fails_gives_way_to_torch(open_backend, network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "OnnxRuntime", Failing)
    backend, notices = open_backend("onnxruntime")
    for _ in range(2):
        assert torch.equal(backend(images(1, 1, 8, 8)), network(images(1, 1, 8, 8)))
    assert (backend.name, notices) == ("torch", ["backend onnxruntime failed (out of luck); going on with torch"])


def test_a_network_that_cannot_be_exported_is_computed_by_torch() -> None:
    class Branching(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images if images.mean() > 0 else -images

    notices: list[str] = []
    backend = SelectedBackend("onnxruntime", Branching(), 1, CPU, notices.append)
    assert torch.equal(backend(images(1, 1, 8, 8)).abs(), images(1, 1, 8, 8).abs())
    assert backend.name == "torch"
    assert notices[0].startswith("backend onnxruntime failed (Branching cannot be exported: ")


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any work is worth a measurement, in which OpenVINO is twice as fast as torch."""
    monkeypatch.setattr(choice, "_PAYS_SECONDS", 0)
    monkeypatch.setattr(choice, "_PAYS_BATCHES", 2)
    known = {"torch": 1.0, "onnxruntime": 0.8, "openvino": 0.5}
    monkeypatch.setattr(choice, "_fastest_times", lambda backends, _: {backend.name: known[backend.name] for backend in backends})


@pytest.mark.usefixtures("decided")
def test_auto_goes_on_with_the_fastest_and_says_so(open_backend, network: nn.Module) -> None:
    backend, notices = open_backend("auto")
    backend.expect(5 * 2 * 64)
    for _ in range(3):
        torch.testing.assert_close(backend(images(2, 1, 8, 8)), network(images(2, 1, 8, 8)), atol=1e-5, rtol=0)
    assert (backend.name, notices) == ("openvino", ["backend: openvino, 2.0x torch on this batch"])


@pytest.mark.usefixtures("decided")
@pytest.mark.parametrize("batches", [0, 3])
def test_auto_stays_with_torch_where_little_is_left(open_backend, batches: int) -> None:
    backend, notices = open_backend("auto")
    backend.expect(batches * 2 * 64)
    for _ in range(3):
        backend(images(2, 1, 8, 8))
    assert (backend.name, notices) == ("torch", [])


@pytest.mark.usefixtures("decided")
def test_auto_leaves_out_what_is_wrong_or_missing(open_backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "OnnxRuntime", Wrong)
    monkeypatch.setitem(sys.modules, "openvino", None)
    backend, notices = open_backend("auto")
    backend.expect(10**6)
    backend(images(2, 1, 8, 8))
    assert backend.name == "torch"
    assert notices[0].startswith("backend onnxruntime is left out: it differs from torch by ")
    assert notices[1] == "backend: torch (--backend openvino needs openvino: pip install 'simgan-plugin[export]')"


def test_times_are_of_every_backend() -> None:
    backends = [type("B", (), {"name": name, "__call__": lambda self, x: x})() for name in NAMES[1:3]]
    assert set(choice._fastest_times(backends, images(1, 1, 2, 2))) == {"torch", "compile"}
