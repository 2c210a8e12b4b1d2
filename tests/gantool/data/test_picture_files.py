"""Files that hold pictures among other things, by the contract that a plugin meets: the host lays out, refines and converts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gantool
from gantool.components import Channels
from gantool.data.convert import convert
from gantool.data.domains import Reading
from gantool.data.images import ImageReadError
from gantool.data.layouts.patterns import split_suffix
from gantool.data.opening import open_images
from gantool.errors import GantoolError

STACK = """
import json
import numpy as np
from gantool import Format, hookimpl
from gantool.data.formats.picture_format import PictureFormat
from gantool.data.images import Form
from gantool.data.picture_files import NoPicture, PictureFile

@hookimpl
def gantool_formats():
    yield Format(name="stack", factory="MODULE:Stack", suffixes=(".stk", ".stk.gz"), provides=frozenset({"pictures", "refines"}))

class Stack(PictureFormat):
    def open_file(self, path, *, array, slices):
        return One(path, array)

class One(PictureFile):
    unit, array, notes = "adu", "pixels", ("a note",)

    def __init__(self, path, array):
        head, _, self.body = path.read_bytes().partition(b"\\n")
        self.head = json.loads(head)
        if not self.head["shape"]:
            raise NoPicture(str(path), "a header alone")
        self.count, self.height, self.width = self.head["shape"]

    @property
    def form(self):
        return Form(self.height, self.width, 1, "float32")

    def __len__(self):
        return self.count

    def stored(self, number):
        found = np.frombuffer(self.body, self.head["type"]).reshape(self.head["shape"])[number]
        return found[..., None].astype(found.dtype.newbyteorder("="))

    def read(self, number):
        return self.stored(number).astype(np.float32)

    def rewritten(self, pictures):
        planes = [pictures.get(n, self.read(n))[..., 0] for n in range(self.count)]
        return json.dumps(self.head).encode() + b"\\n" + np.stack(planes).astype(self.head["type"]).tobytes()
"""


def write(path: Path, array: np.ndarray | None) -> None:
    import json

    path.parent.mkdir(parents=True, exist_ok=True)
    head = {"shape": [] if array is None else array.shape, "type": "" if array is None else array.dtype.str}
    path.write_bytes(json.dumps(head).encode() + b"\n" + (b"" if array is None else array.tobytes()))


@pytest.fixture
def stacks(site, tmp_path: Path) -> Path:
    """Two stacks of three pictures with their masks, and a file without any."""
    site.plant("stacks", STACK)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        write(tmp_path / f"set/images/{name}.stk.gz", rng.random((3, 12, 16)).astype(">f4"))
        mask = np.zeros((3, 12, 16), np.int64)
        mask[1, 2:9, 3:9], mask[2, 4:, 5:] = 2**40, 7
        write(tmp_path / f"set/masks/{name}.stk.gz", mask)
    write(tmp_path / "set/images/empty.stk.gz", None)
    return tmp_path / "set"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    network = gantool.build("generator", "simgan:refiner", channels=Channels(1), width=4, blocks=1)
    return gantool.save(network, tmp_path / "run")


def test_each_picture_is_a_frame_with_its_own_part_of_the_masks(stacks: Path, tmp_path: Path):
    images = open_images(stacks)
    assert (len(images), images.unit) == (6, "adu")
    assert [name.rpartition("/")[2] for name in images.names] == [f"{file}.stk.gz:{n}" for file in "ab" for n in range(3)]
    assert any("images/empty.stk.gz: no picture (a header alone), so copied" in text for text in images.told)
    assert sum("a note" in text for text in images.told) == 1
    assert convert(str(stacks), tmp_path / "set.npz").images == 6
    found = np.load(tmp_path / "set.npz")
    assert found["images"].dtype == np.float32
    assert [sorted(np.unique(mask).tolist()) for mask in found["classes"][:3]] == [[0], [0, 2**40], [0, 7]]


@pytest.mark.parametrize("batch_size", [2, 64])
def test_a_folder_and_a_file_are_refined(batch_size: int, stacks: Path, run: Path, tmp_path: Path):
    report = gantool.refine(run, input=stacks, output=tmp_path / "out", device="cpu", batch_size=batch_size)
    assert (report.refined, report.copied, report.failed) == (6, 3, ())
    assert (tmp_path / "out/masks/a.stk.gz").read_bytes() == (stacks / "masks/a.stk.gz").read_bytes()
    before, after = (open_images(folder) for folder in (stacks, tmp_path / "out"))
    assert all(not np.array_equal(before[n], after[n]) for n in range(6))
    one = gantool.refine(
        run, input=stacks / "images/a.stk.gz", output=tmp_path / "one.stk.gz", device="cpu", batch_size=batch_size
    )
    assert one.refined == 3
    alone = open_images(tmp_path / "one.stk.gz")
    assert all(np.allclose(alone[n], after[n], atol=1e-6) for n in range(3))
    with pytest.raises(GantoolError, match="--size: the header of images/a.stk.gz says where its pixels lie"):
        gantool.refine(run, input=stacks, output=tmp_path / "small", device="cpu", size=(6, 8))


def test_an_array_and_an_axis_may_be_said_of_a_file_but_no_layout(stacks: Path, run: Path, tmp_path: Path):
    file = stacks / "images/a.stk.gz"
    gantool.refine(run, input=file, output=tmp_path / "a.stk.gz", device="cpu", array="pixels", slices="0")
    with pytest.raises(GantoolError, match="--layout is for folders"):
        gantool.refine(run, input=file, output=tmp_path / "b.stk.gz", device="cpu", layout="plain")


def test_a_damaged_file_is_named_and_a_picture_of_the_same_name_is_a_doubt(stacks: Path, tmp_path: Path):
    (tmp_path / "torn.stk").write_bytes(b"{")
    with pytest.raises(ImageReadError, match=r"cannot read image .*torn\.stk: "):
        open_images(tmp_path / "torn.stk")
    folder = stacks / "images"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (12, 16), dtype=np.uint8)).save(folder / "a.png")
    with pytest.raises(
        GantoolError, match=r"a\.png is a picture, but a\.stk\.gz shows the same frame: say --image '\*\.stk\.gz' or"
    ):
        open_images(folder)
    assert len(open_images(folder, Reading(copy=("*.png",)))) == 6


@pytest.mark.parametrize(
    ("file", "parts"),
    [("a/b.nii.gz", ("a/b", "nii.gz")), ("b.png", ("b", "png")), ("v1.2.gz", ("v1.2", "gz")), ("c.FITS.FZ", ("c", "FITS.FZ"))],
)
def test_a_compressed_file_has_one_suffix(file: str, parts: tuple[str, str]):
    assert split_suffix(file) == parts
