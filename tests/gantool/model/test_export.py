from __future__ import annotations

import io
import json
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import gantool
import gantool.model.export
from gantool.components import Channels
from gantool.errors import GantoolError, MissingExtra
from gantool.model.bundle import open_bundle
from gantool.model.export import ExportReport, export
from gantool.model.tracing import to_onnx, trace

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reflects images of 3 px and more."""
    torch.manual_seed(0)
    network = gantool.build("generator", "simgan:refiner", channels=3, width=4, blocks=1, kernel=5)
    return gantool.save(network.to(memory_format=torch.channels_last), tmp_path_factory.mktemp("secret-home") / "run")


@pytest.fixture(scope="module")
def as_onnx(run: Path) -> ExportReport:
    return gantool.export(run, run.parent / "refiner.onnx")


@pytest.fixture(scope="module")
def as_graph(run: Path) -> ExportReport:
    return export(run, run.parent / "refiner.pt2")


def images(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def check_metadata(text: str, run: Path) -> None:
    said = json.loads(text)
    assert (said["component"], said["channels"]["images"], said["value_range"]) == ("simgan:refiner", 3, [-1, 1])
    assert said["options"]["kernel"] == 5
    assert said["preprocess"]["fit"] == "resize"
    assert said["digest"] == open_bundle(run).digest
    assert "secret-home" not in text


@torch.inference_mode()
def test_onnx_takes_any_batch_and_size(run: Path, as_onnx: ExportReport) -> None:
    session, network = onnxruntime.InferenceSession(as_onnx.output), gantool.load(run)
    for shape in [(1, 3, 3, 3), (4, 3, 35, 55), (2, 3, 8, 101), (0, 3, 9, 9)]:
        (found,) = session.run(["refined"], {"images": images(*shape).numpy()})
        torch.testing.assert_close(torch.from_numpy(found), network(images(*shape)), atol=1e-5, rtol=0)


def test_onnx_says_what_it_is(run: Path, as_onnx: ExportReport) -> None:
    model = onnx.load(as_onnx.output)
    onnx.checker.check_model(model)
    axes = [[axis.dim_param or axis.dim_value for axis in each.type.tensor_type.shape.dim] for each in model.graph.input]
    assert axes == [["batch", 3, "height", "width"]]
    check_metadata({entry.key: entry.value for entry in model.metadata_props}["gantool"], run)
    assert as_onnx.opset == model.opset_import[0].version
    data = as_onnx.output.read_bytes()
    assert b"secret-home" not in data
    assert b".py" not in data  # nor where the code lies that the network was traced from


def test_the_report_has_the_figures(as_onnx: ExportReport, as_graph: ExportReport) -> None:
    for report, name in ((as_onnx, "onnx"), (as_graph, "torch-export")):
        assert (report.format, report.minimum) == (name, 3)
        assert (1, 3, 3, 3) in [check.shape for check in report.checks]
        assert any(check.shape[0] > 1 and check.shape[2] % 2 for check in report.checks)
        assert all(0 <= check.difference <= 1e-5 for check in report.checks)


@torch.inference_mode()
def test_torch_export_holds_no_pickle(run: Path, as_graph: ExportReport, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("unpickled")

    monkeypatch.setattr(torch, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    extra = {"gantool.json": ""}
    program = torch.export.load(as_graph.output, extra_files=extra)
    check_metadata(extra["gantool.json"], run)
    for shape in [(1, 3, 3, 3), (4, 3, 35, 55)]:
        assert torch.equal(program.module()(images(*shape)), gantool.load(run)(images(*shape)))
    members = zipfile.ZipFile(as_graph.output)
    assert not [name for name in members.namelist() if b".py" in members.read(name)]
    # A pickle of protocol 2 and later begins with the byte 0x80 and its number; torch writes it into a zip.
    assert not [name for name in members.namelist() if members.read(name)[:1] == b"\x80" or members.read(name)[:2] == b"PK"]


def test_safetensors(run: Path) -> None:
    report = export(run, run.parent / "refiner.safetensors")
    data = report.output.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    check_metadata(json.loads(data[8 : 8 + length])["__metadata__"]["gantool"], run)
    weights, expected = load_file(report.output), gantool.load(run).state_dict()
    assert set(weights) == set(expected)
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_opset(run: Path, as_onnx: ExportReport, tmp_path: Path) -> None:
    assert as_onnx.opset != 18
    assert export(run, tmp_path / "a.onnx", opset=18).opset == 18
    with pytest.raises(GantoolError, match="--opset 7: "):
        export(run, tmp_path / "b.onnx", opset=7)
    assert not (tmp_path / "b.onnx").exists()


def test_a_graph_of_other_results_is_not_written(run: Path, as_onnx: ExportReport, tmp_path: Path, monkeypatch) -> None:
    model = onnx.load(as_onnx.output)
    weight = next(each for each in model.graph.initializer if each.name.endswith("head.bias"))
    weight.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight) + 1e-4, weight.name))
    monkeypatch.setattr(gantool.model.export, "to_onnx", lambda *_, **__: model.SerializeToString())
    with pytest.raises(GantoolError, match=r"ONNX Runtime differs from torch by .* nothing was written"):
        export(run, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_a_network_for_one_size_only_cannot_be_exported(run: Path, tmp_path: Path, monkeypatch) -> None:
    class Fixed(nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return given + torch.zeros(64, 72)

    bundle = open_bundle(run)
    fixed = type(bundle)(module=Fixed(), recorded=bundle.recorded, name="fixed", digest="")
    monkeypatch.setattr(gantool.model.export, "open_bundle", lambda *_: fixed)
    with pytest.raises(GantoolError, match="cannot be exported") as caught:
        export(run, tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)


class Halving(nn.Module):
    """Works on half the size and continues odd images before that, as generators with downsampling do."""

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        height, width = given.shape[2:]
        if height % 2 or width % 2:
            given = nn.functional.pad(given, (0, width % 2, 0, height % 2), mode="replicate")
        half = nn.functional.avg_pool2d(given, 2)
        return nn.functional.interpolate(half, scale_factor=2.0)[..., :height, :width]


@pytest.fixture
def network_is(run: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[nn.Module], None]:
    """Puts another network into the run."""
    bundle = open_bundle(run)

    def put(module: nn.Module) -> None:
        found = type(bundle)(module=module.eval(), recorded=bundle.recorded, name="other", digest="")
        monkeypatch.setattr(gantool.model.export, "open_bundle", lambda *_: found)

    return put


@pytest.mark.parametrize("ending", ["onnx", "pt2"])
def test_a_network_that_continues_images_to_multiples(run: Path, tmp_path: Path, network_is, ending: str) -> None:
    network_is(Halving())
    shapes = [check.shape[2:] for check in export(run, tmp_path / f"a.{ending}").checks]
    assert {rows % 2 for rows, _ in shapes} == {columns % 2 for _, columns in shapes} == {0, 1}


def test_a_graph_of_another_shape_is_not_written(run: Path, as_onnx: ExportReport, tmp_path: Path, network_is) -> None:
    """Not even one whose difference broadcasts."""
    network_is(nn.AdaptiveAvgPool2d(1))
    data = as_onnx.output.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gantool.model.export, "to_onnx", lambda *_, **__: data)
        patch.setattr(gantool.model.export, "trace", lambda *_: type("Traced", (), {"minimum": 3, "inputs": ("images",)}))
        with pytest.raises(
            GantoolError, match=r"ONNX Runtime turns \(1, 3, 3, 3\) into \(1, 3, 3, 3\), torch into \(1, 3, 1, 1\)"
        ):
            export(run, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_an_operator_that_onnx_lacks_is_named_in_one_line(run: Path, tmp_path: Path, network_is) -> None:
    class Special(nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return torch.special.bessel_j0(given)

    network_is(Special())
    with pytest.raises(GantoolError, match=r"cannot be written as ONNX: .*bessel_j0") as caught:
        export(run, tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.tflite", {}, "none of: onnx, torch-export, safetensors"),
        ("a.onnx", {"format": "jax"}, "--format 'jax'"),
        ("a.pt2", {"format": "onnx"}, r"a\.pt2 ends as a file of torch-export does, --format says onnx: change one of them"),
        ("there.onnx/below/a.pt2", {}, r"--output .*a\.pt2: its folder cannot be made \(Not a directory\): choose another"),
        ("a.pt2", {"opset": 18}, "--opset is for"),
        ("there.onnx", {}, "exists: choose another, or pass --overwrite"),
        (".", {"format": "onnx", "overwrite": True}, "exists: choose another$"),
    ],
)
def test_bad_input(run: Path, tmp_path: Path, name: str, options: dict, message: str) -> None:
    (tmp_path / "there.onnx").write_bytes(b"mine")
    with pytest.raises(GantoolError, match=message):
        export(run, tmp_path / name, **options)
    assert (tmp_path / "there.onnx").read_bytes() == b"mine"


def test_a_missing_extra_is_named(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"exporting to ONNX needs onnxruntime: pip install 'simgan-plugin\[export\]'"):
        export(run, tmp_path / "a.onnx")


def test_all_that_onnx_lacks_is_named_at_once(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    traced = trace(gantool.load(run), Channels(3))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"ONNX needs onnx and onnxscript: pip install 'simgan-plugin\[export\]'"):
        to_onnx(traced)


def test_a_stream_of_bytes_is_what_is_written(as_onnx: ExportReport) -> None:
    """All weights are inside: no second file beside it."""
    assert [path.name for path in as_onnx.output.parent.glob("refiner.onnx*")] == ["refiner.onnx"]
    onnx.load(io.BytesIO(as_onnx.output.read_bytes()))


def test_conditions_are_further_inputs_in_their_order(tmp_path: Path) -> None:
    channels = Channels(3, {"depth": 2, "instances": 1})
    network = gantool.build("generator", "simgan:refiner", channels=channels, width=4, blocks=1)
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.3)
    run = gantool.save(network, tmp_path / "run")
    gantool.export(run, tmp_path / "a.onnx")
    assert gantool.export(run, tmp_path / "a.pt2").checks
    session, given = (
        onnxruntime.InferenceSession(tmp_path / "a.onnx"),
        {"depth": images(2, 2, 9, 11), "instances": images(2, 1, 9, 11)},
    )
    assert [each.name for each in session.get_inputs()] == ["images", "depth", "instances"]
    (found,) = session.run(None, {name: values.numpy() for name, values in {"images": images(2, 3, 9, 11), **given}.items()})
    with torch.no_grad():
        wanted = gantool.load(run)(images(2, 3, 9, 11), conditions=given)
    torch.testing.assert_close(torch.from_numpy(found), wanted, atol=1e-5, rtol=0)
