"""Folders and files of every kind through the whole program: inspected, trained on, refined, converted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from science_samples import REFINED, ids, sky, volume, write_dicom, write_fits, write_nifti, write_tiff

import gantool
from gantool.data.convert import convert
from gantool.data.inspection.survey import survey
from gantool.data.opening import open_images
from gantool.data.picture_files import open_at
from gantool.errors import GantoolError

TINY = {
    "generator.width": 4,
    "generator.blocks": 1,
    "discriminator.width_factor": 0.1,
    "recipe.discriminator_warmup": 1,
    "recipe.refiner_warmup": 1,
}


def _npz(path: Path, number: int) -> None:
    np.savez_compressed(path, image=sky(number), mask=ids(number))


KINDS: dict[str, tuple[str, int, str, Callable[[Path, int], object]]] = {
    "fits": (".fits", 1, "adu", lambda path, number: write_fits(path, sky(number, streak=True), extensions=True)),
    "fits.gz": (".fits.gz", 1, "adu", lambda path, number: write_fits(path, sky(number, streak=True))),
    "nifti": (".nii.gz", 6, "", lambda path, number: write_nifti(path, volume(number), dtype=np.int16)),
    "dicom": (".dcm", 1, "HU", lambda path, number: write_dicom(path, np.rint(volume(number)[:, :, 2].T + 1024).astype(np.int16), RescaleIntercept=-1024, RescaleSlope=1)),
    "tiff": (".ome.tif", 3, "", lambda path, number: write_tiff(path, np.stack([sky(3 * number + n) for n in range(3)]), ome=True, description=None, compression="zlib")),
    "npy": (".npy", 1, "", lambda path, number: np.save(path, np.asfortranarray(sky(number)).astype(">f8"))),
    "npz": (".npz", 1, "", _npz),
}  # fmt: skip


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Path]:
    """Write a folder of three files of a kind, with something beside them."""

    def write(kind: str) -> Path:
        suffix, _, _, one = KINDS[kind]
        folder = tmp_path / "set"
        (folder / "deeper").mkdir(parents=True)
        for number, name in enumerate(("a1", "a2", "deeper/a3")):
            one(folder / f"{name}{suffix}", number)
        (folder / "night.log").write_text("clear")
        return folder

    return write


def values(path: Path) -> np.ndarray:
    opened = open_at(path)
    return np.stack([opened.read(number) for number in range(len(opened))]).astype(np.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_is_inspected_and_refined_in_its_unit(kind: str, make, run: Path, tmp_path: Path):
    suffix, each, unit, _ = KINDS[kind]
    folder = make(kind)
    found = survey(open_images(folder))
    assert (found.images, dict(found.sizes), found.unit) == (3 * each, {"40x48": 3 * each}, unit)
    assert found.low < 0
    assert (found.blank > 0) == (kind not in ("nifti", "dicom"))
    report = gantool.refine(run, input=folder, output=tmp_path / "out", device="cpu", batch_size=2)
    assert (report.refined, report.copied, report.failed) == (3 * each, 1, ())
    for name in ("a1", "a2", "deeper/a3"):
        before, after = values(folder / f"{name}{suffix}"), values(tmp_path / "out" / f"{name}{suffix}")
        inside = (before >= -1100) & (before <= 1000)
        assert np.array_equal(np.isnan(before), np.isnan(after))
        assert np.array_equal(before[~inside], after[~inside], equal_nan=True)
        np.testing.assert_allclose(after[inside], REFINED, atol=0.51)  # half a step of whole numbers
    again = gantool.refine(run, input=folder, output=tmp_path / "out", device="cpu")
    assert (again.refined, again.skipped) == (0, 3 * each)


@pytest.mark.usefixtures("gantool_host")
def test_two_workers_write_the_same_bytes(make, run: Path, tmp_path: Path):
    folder = make("nifti")
    for workers in (1, 2):
        gantool.refine(
            run, input=folder, output=tmp_path / f"out{workers}", device="cpu", workers=workers, backend="torch", batch_size=2
        )
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert all((tmp_path / "out1" / file).read_bytes() == (tmp_path / "out2" / file).read_bytes() for file in files)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "npz"])
def test_one_file_is_a_set_too(kind: str, make, run: Path, tmp_path: Path):
    suffix, each, _, _ = KINDS[kind]
    file = make(kind) / f"a1{suffix}"
    assert len(open_images(file)) == each
    report = gantool.refine(run, input=file, output=tmp_path / f"one{suffix}", device="cpu")
    assert (report.output, report.refined) == (tmp_path / f"one{suffix}", each)
    gantool.refine(run, input=file.parent, output=tmp_path / "out", device="cpu")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / "out" / f"a1{suffix}").read_bytes()
    with pytest.raises(
        GantoolError, match=r"--size: the header of .* says where its pixels lie, which would be wrong: leave --size out"
    ):
        gantool.refine(run, input=file, output=tmp_path / f"two{suffix}", device="cpu", size=(20, 24))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["folder", "npz", "h5"])
def test_a_folder_is_converted_by_value(kind: str, target: str, make, tmp_path: Path):
    folder = make(kind)
    wanted = open_images(folder)
    output = tmp_path / (f"out.{target}" if target != "folder" else "out")
    assert convert(str(folder), output, format=target).images == len(wanted)
    found = open_images(output)
    key = lambda image: np.nan_to_num(image, nan=-1e6).tobytes()  # noqa: E731
    assert sorted(key(found[n]) for n in range(len(found))) == sorted(key(wanted[n]) for n in range(len(wanted)))


def test_trains_on_counts_with_masks_beside_and_replays(tmp_path: Path):
    for number in range(3):
        for side, frame in (("sim", sky(number, streak=True)), ("real", 1.2 * sky(50 + number))):
            (tmp_path / side / "images").mkdir(parents=True, exist_ok=True)
            write_fits(tmp_path / side / f"images/f{number}.fits", frame)
        (tmp_path / "sim/masks").mkdir(exist_ok=True)
        write_fits(tmp_path / f"sim/masks/f{number}.fits", ids(number))
    words = {"options": TINY, "steps": 2, "batch_size": 2, "patch": (32, 32), "device": "cpu", "log": ["none"]}
    run = gantool.train(
        "simgan", synthetic=tmp_path / "sim", real=tmp_path / "real", value_range="auto", output=tmp_path / "run", **words
    )
    recorded = json.loads((run / "run.json").read_text())["value_range"]
    assert -60 < recorded[0] < -30
    assert 500 < recorded[1] < 1300
    images = open_images(tmp_path / "sim")
    assert len(images) == 3, "masks are no pictures"
    assert images.frames.passes["classes"].kind == "classes"
    gantool.refine(run, input=tmp_path / "sim", output=tmp_path / "out", device="cpu")
    for number in range(3):
        mask = f"masks/f{number}.fits"
        assert (tmp_path / "out" / mask).read_bytes() == (tmp_path / "sim" / mask).read_bytes()
    convert(str(tmp_path / "sim"), tmp_path / "set.npz")
    found = np.load(tmp_path / "set.npz")
    assert found["classes"].dtype == np.int32
    assert np.array_equal(found["classes"][1], ids(1)), "ids went through no float"


def test_labels_of_volumes_go_along_slice_by_slice(tmp_path: Path):
    """As nnU-Net has them: CASE_0000 beside CASE."""
    for folder in ("imagesTr", "labelsTr"):
        (tmp_path / "set" / folder).mkdir(parents=True)
    for case in range(2):
        write_nifti(tmp_path / f"set/imagesTr/case_{case}_0000.nii.gz", volume(case).astype(np.int16))
        write_nifti(tmp_path / f"set/labelsTr/case_{case}.nii.gz", (volume(case).astype(np.int16) > 100).astype(np.uint8) * 7)
    images = open_images(tmp_path / "set")
    assert (len(images), images.frames.layout) == (12, "nnunet")
    convert(str(tmp_path / "set"), tmp_path / "set.npz")
    found = np.load(tmp_path / "set.npz")
    assert np.array_equal(found["classes"], 7 * (found["images"] > 100)), "each slice with its own labels, turned alike"


def test_quick_looks_beside_measurements_are_a_doubt(tmp_path: Path):
    from PIL import Image

    write_fits(tmp_path / "f1.fits", sky(1))
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 48), dtype=np.uint8)).save(tmp_path / "f1.png")
    with pytest.raises(
        GantoolError,
        match=r"f1\.png is a picture, but f1\.fits shows the same frame: say --image '\*\.fits' or --image '\*\.png'",
    ):
        open_images(tmp_path)
    from gantool.data.domains import Reading

    assert open_images(tmp_path, Reading(image=("*.fits",))).unit == "adu"
    assert open_images(tmp_path, Reading(copy=("*.fits",)))[0].dtype == np.uint8


def test_kinds_can_lie_side_by_side_and_what_has_no_picture_is_copied(run: Path, tmp_path: Path):
    (tmp_path / "set").mkdir()
    write_fits(tmp_path / "set/sky.fits", sky(1))
    write_nifti(tmp_path / "set/scan.nii.gz", volume(1).astype(np.float32))
    write_dicom(tmp_path / "set/plan.dcm", np.zeros((8, 8), np.int16), Modality="SEG")
    np.save(tmp_path / "set/gains.npy", np.ones((40, 48), np.float32))
    (tmp_path / "set/torn.fits").write_bytes((tmp_path / "set/sky.fits").read_bytes()[:3000])
    told: list[str] = []
    report = gantool.refine(run, input=tmp_path / "set", output=tmp_path / "out", device="cpu")
    assert (report.refined, report.copied) == (7, 2)
    assert [failed.name for failed in report.failed] == ["torn.fits"]
    told += report.notices
    assert any("plan.dcm: no picture (it holds a segmentation), so copied" in text for text in told)


def test_arrays_beside_images_are_no_pictures(tmp_path: Path):
    from PIL import Image

    for number in range(2):
        Image.fromarray(np.zeros((40, 48, 3), np.uint8)).save(tmp_path / f"{number}.png")
        np.save(tmp_path / f"{number}.npy", np.zeros((40, 48)))
    assert open_images(tmp_path).names == [str(tmp_path / f"{number}.png") for number in range(2)]


def test_a_missing_library_is_one_line(make, monkeypatch: pytest.MonkeyPatch):
    folder = make("fits")
    import builtins

    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("astropy"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(GantoolError, match=r"reading .*a1\.fits needs astropy: pip install 'gantool-science\[fits\]'"):
        open_images(folder)
