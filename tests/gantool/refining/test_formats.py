"""One set in every format: what holds for one of them holds for all."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from gantool.data.convert import convert
from gantool.data.domains import FilesOptions, Preprocess
from gantool.data.files import files
from gantool.data.images import ImageReadError, Images
from gantool.data.inspection.survey import survey
from gantool.data.opening import kind_of, open_images
from gantool.data.prepare import prepare
from gantool.refining.labels import InvalidAnnotations
from gantool.refining.refine import refine

h5py = pytest.importorskip("h5py")
fsspec = pytest.importorskip("fsspec")
for name in ("pyarrow", "datasets", "av"):
    pytest.importorskip(name)

FORMATS = {
    "png": ("folder", ""),
    "tiff": ("folder", ""),
    "npz": ("npz", ".npz"),
    "h5": ("h5", ".h5"),
    "h5-each": ("h5", ".h5"),
    "parquet": ("parquet", ".parquet"),
    "shards": ("shards", ""),
    "hub": ("hub", ""),
    "video": ("video", ".mkv"),
    "videos": ("video", ""),
}
"""Name: what `kind_of` calls it, and how a file of it ends."""
ENCODED = ("png", "parquet", "shards", "hub")
"""Formats that hold files of images."""
REMOTE = ("npz", "h5", "h5-each", "parquet", "shards", "video", "videos")

NAMES = ("a b", "ü", "sub dir/é.1", "sub dir/deep/-0.5_2", "x", "y")
DEPTH = [np.random.default_rng(n).integers(400, 1200, (24, 32), dtype=np.uint16) for n in range(len(NAMES))]
"""Millimetres, say, in 16 bits."""


@pytest.fixture
def make(tmp_path: Path, clip: Callable[..., Path]) -> Callable[[str], Path]:
    """The set in a format; images have a label file each, but for one, where the format takes files."""

    def folder(suffix: str) -> Path:
        root = tmp_path / f"the {suffix}"
        for name, image in zip(NAMES, DEPTH, strict=True):
            path = root / f"{name}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
            if name != "x":
                (root / f"{name}.json").write_text(json.dumps({"gaze": [0.5, 1], "id": f"{name} ü"}))
        return root

    def make(name: str) -> Path:
        _, suffix = FORMATS[name]
        target = tmp_path / f"the set{suffix}"
        if name in ("png", "tiff"):
            return folder(name)
        if name == "h5-each":
            with h5py.File(target, "w") as file:
                for key, image in zip(NAMES, DEPTH, strict=True):
                    file[f"images/{key.replace('/', ' of ')}"] = image
        elif name == "video":
            clip(target, DEPTH, codec="ffv1", pixels="gray16le")
        elif name == "videos":
            clip(target / "one ü.mkv", DEPTH[:4], codec="ffv1", pixels="gray16le")
            clip(target / "sub dir/two.mkv", DEPTH[4:], codec="ffv1", pixels="gray16le")
        else:
            convert(str(folder("png")), target, format=name, per_part=4)
        return target

    return make


def images(place: Path | str) -> list[bytes]:
    found = open_images(place)
    return sorted(found[index].tobytes() for index in range(len(found)))


def wanted(more: int = 0) -> list[bytes]:
    return sorted((image + np.uint16(more)).tobytes() for image in DEPTH)


def said(found: Images, index: int) -> str:
    """What an image says of itself where it cannot be read."""
    try:
        found[index]
    except ImageReadError as error:
        return error.cause
    return ""


def elsewhere(path: Path) -> str:
    """Copy a file or a folder into fsspec's memory."""
    system = fsspec.filesystem("memory")
    system.rm("/", recursive=True) if system.exists("/") else None
    for file in [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]:
        system.pipe(f"/in/{file.relative_to(path.parent)}", file.read_bytes())
    return f"memory://in/{path.name}"


@pytest.mark.parametrize("name", FORMATS)
def test_16_bits_are_read_inspected_refined_and_converted(name: str, make, trained, added, tmp_path: Path):
    place = make(name)
    kind, suffix = FORMATS[name]
    assert kind_of(str(place)) == kind
    assert images(place) == wanted()
    found = survey(open_images(place))
    assert (found.images, found.unreadable, dict(found.sizes), dict(found.dtypes)) == (6, 0, {"24x32": 6}, {"uint16": 6})
    assert (found.low, found.high) == (min(d.min() for d in DEPTH), max(d.max() for d in DEPTH))
    trained(added(2 * 10 / 65535), 1)
    output = tmp_path / f"out/new{suffix}"
    assert refine("run", input=place, output=output).refined == 6
    assert images(output) == wanted(10)
    again = refine("run", input=place, output=output)
    assert (again.refined, again.skipped) == (0, 6)
    assert convert(str(output), tmp_path / "back", format="folder").images == 6
    assert images(tmp_path / "back") == wanted(10)


@pytest.mark.parametrize("name", FORMATS)
def test_depth_is_trained_on_and_refined_in_its_own_unit(name: str, make, trained, added, tmp_path: Path):
    place = make(name)
    np.savez(tmp_path / "real.npz", images=np.stack(DEPTH) + np.uint16(1))
    domains = files(config=FilesOptions(synthetic=str(place), real=str(tmp_path / "real.npz")))
    source, _, preprocess = prepare(domains, Preprocess(value_range=(400, 1200)))
    assert source[0].dtype == np.uint16
    assert (source[0].min() < 2000, source[0].max() > 63000) == (True, True)
    trained(added(2 * 50 / 800), 1, preprocess=preprocess)
    output = tmp_path / f"out/new{FORMATS[name][1]}"
    refine("run", input=place, output=output)
    before, after = open_images(place), open_images(output)
    for index in range(6):
        moved = after[index].astype(int) - before[index]
        assert set(moved[before[index] < 1149].tolist()) == {50}, "millimetres stay millimetres"


@pytest.mark.parametrize("name", REMOTE)
def test_all_of_it_from_elsewhere(name: str, make, trained, added, tmp_path: Path):
    place = elsewhere(make(name))
    assert kind_of(place) == FORMATS[name][0]
    assert images(place) == wanted()
    assert survey(open_images(place)).unreadable == 0
    trained(added(2 * 10 / 65535), 1)
    assert refine("run", input=place, output=tmp_path / f"out/new{FORMATS[name][1]}").refined == 6
    assert images(tmp_path / f"out/new{FORMATS[name][1]}") == wanted(10)
    assert convert(place, tmp_path / "copy.npz").images == 6
    assert images(tmp_path / "copy.npz") == wanted()


@pytest.mark.parametrize("name", ENCODED)
def test_damaged_images_are_listed_and_stop_nothing(name: str, make, trained, added, tmp_path: Path):
    root = make("png")
    (root / "x.png").write_bytes(b"")
    data = (root / "sub dir/é.1.png").read_bytes()
    (root / "sub dir/é.1.png").write_bytes(data[: len(data) // 2])
    place = root
    if name != "png":
        place = tmp_path / f"damaged{FORMATS[name][1]}"
        convert(str(root), place, format=name)
    found = survey(open_images(place))
    assert (found.images, found.unreadable) == (6, 2)
    trained(added(2 * 10 / 65535), 1)
    report = refine("run", input=place, output=tmp_path / f"out/new{FORMATS[name][1]}")
    assert (report.refined, len(report.failed), report.exit_code) == (4, 2, 1)
    causes = sorted(failed.cause for failed in report.failed)
    assert causes[0] == "the file is empty"
    assert "truncated" in causes[1] or "damaged" in causes[1]
    rest = [image for place, image in enumerate(DEPTH) if NAMES[place] not in ("x", "sub dir/é.1")]
    after = open_images(tmp_path / f"out/new{FORMATS[name][1]}")
    whole = [after[index].tobytes() for index in range(len(after)) if "no image" not in said(after, index)]
    assert sorted(whole) == sorted((image + np.uint16(10)).tobytes() for image in rest)


@pytest.mark.parametrize("name", ["parquet", "shards", "hub"])
def test_the_header_of_an_image_in_memory_is_read_once(
    name: str, make, trained, added, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place, opened, open_image = make(name), [], PIL.Image.open
    trained(added(0.0), 1)
    monkeypatch.setattr(PIL.Image, "open", lambda *words, **more: opened.append(1) or open_image(*words, **more))
    assert refine("run", input=place, output=tmp_path / f"out/new{FORMATS[name][1]}").refined == 6
    assert len(opened) == 6 + 1, "and that of the first image, to say how much work there is"


@pytest.mark.parametrize("name", ENCODED)
def test_labels_and_missing_ones_come_along(name: str, make, trained, added, tmp_path: Path):
    place = make(name)
    trained(added(0.1), 1)
    output = tmp_path / f"out/new{FORMATS[name][1]}"
    refine("run", input=place, output=output)
    for source, copy in ((place, tmp_path / "labels before"), (output, tmp_path / "labels after")):
        convert(str(source), copy, format="folder")
    texts = [
        {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*.json")}
        for root in (tmp_path / "labels before", tmp_path / "labels after")
    ]
    assert texts[0] == texts[1]
    assert len(texts[0]) >= 5


def test_a_key_that_occurs_in_two_shards_is_found_before_anything_is_written(make, trained, added, tmp_path: Path):
    place = make("shards")
    shards = sorted(place.glob("*.tar"))
    with tarfile.open(shards[0]) as first, tarfile.open(shards[1], "a") as second:
        member = next(info for info in first if info.name.endswith(".png"))
        second.addfile(member, first.extractfile(member))
    trained(added(0.0), 1)
    with pytest.raises(InvalidAnnotations) as error:
        refine("run", input=place, output=tmp_path / "out", validate=True)
    assert any(
        f"{shards[1]}: sample " in text and f"occurs before, in {shards[0]}" in text for text in map(str, error.value.problems)
    )
    assert not (tmp_path / "out").exists()
    assert refine("run", input=place, output=tmp_path / "out").refined == 7
