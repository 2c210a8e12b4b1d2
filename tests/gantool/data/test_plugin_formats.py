"""Formats and layouts that plugins bring, by the door that the host's own come in by."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gantool
from gantool.data.convert import convert
from gantool.data.domains import FilesOptions, Preprocess, Reading
from gantool.data.files import files
from gantool.data.formats import records, words
from gantool.data.inspection.survey import survey
from gantool.data.installed import installed
from gantool.data.layouts.choosing import arrange
from gantool.data.locations import Location
from gantool.data.opening import kind_of, open_images, open_stream
from gantool.data.prepare import prepare
from gantool.errors import GantoolError, PluginError

TOY = (Path(__file__).parent / "formats_toy.py").read_text("utf-8")
PIXELS = np.random.default_rng(0).integers(0, 200, (6, 12, 16), dtype=np.uint8)


@pytest.fixture
def toy(site, tmp_path: Path) -> Path:
    """A set in a format that one file of a plugin brings."""
    site.plant("toy", TOY)
    np.savez(tmp_path / "set.npz", images=PIXELS, age=np.arange(6))
    convert(str(tmp_path / "set.npz"), tmp_path / "in/set.toy")
    return tmp_path / "in/set.toy"


def test_it_opens_streams_inspects_and_trains(toy: Path, tmp_path: Path):
    assert kind_of(toy) == "toy"
    assert ".toy" in words("streams")
    images = open_images(toy)
    assert np.array_equal(np.stack([images[index] for index in range(6)])[..., 0], PIXELS)
    found = survey(images)
    assert (found.images, dict(found.sizes)) == (6, {"12x16": 6})
    drawn = list(islice(open_stream(toy.parent, window=2).stream(seed=0, skip=0), 6))
    assert sorted(image.tobytes() for image in drawn) == sorted(image.tobytes() for image in PIXELS)
    options = FilesOptions(synthetic=str(toy), real=str(tmp_path / "set.npz"), label_range={"age": ((2, 9),)})
    source, target, _ = prepare(files(config=options), Preprocess())
    assert (len(source), len(target)) == (4, 6)
    assert np.array_equal(source[0][..., 0], PIXELS[2])


@pytest.mark.parametrize("name", [record.name for record in records("writes")])
def test_it_converts_into_every_other_format_and_back(name: str, toy: Path, tmp_path: Path):
    target = tmp_path / (f"out.{name}" if name in ("npz", "h5", "parquet") else "out")
    assert convert(str(toy), target, format=name).images == 6
    assert convert(str(target), tmp_path / "back.toy", format="toy").images == 6
    back = open_images(tmp_path / "back.toy")
    assert sorted(back[index].tobytes() for index in range(6)) == sorted(image.tobytes() for image in PIXELS)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("forked_workers")
def test_it_is_refined_into(workers: int, toy: Path, tmp_path: Path):
    network = gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1)
    run = gantool.save(network, tmp_path / "run")
    (toy.parent / "classes.txt").write_text("eye")
    convert(str(toy), toy.parent / "two.toy")
    report = gantool.refine(run, input=toy.parent, output=tmp_path / "out", device="cpu", workers=workers)
    assert (report.refined, report.copied, report.failed) == (12, 1, ())
    after = open_images(tmp_path / "out/set.toy")
    assert after.labels["age"].tolist() == list(range(6))
    assert any(not np.array_equal(after[index][..., 0], PIXELS[index]) for index in range(6))
    assert (tmp_path / "out/set.toy").read_bytes() == (tmp_path / "out/two.toy").read_bytes()
    one = gantool.refine(run, input=toy, output=tmp_path / "one.toy", device="cpu")
    assert (one.output, one.refined) == (tmp_path / "one.toy", 6)
    with pytest.raises(GantoolError, match=r"one\.npz must be of the same kind as --input .*set\.toy"):
        gantool.refine(run, input=toy, output=tmp_path / "one.npz", device="cpu")


def test_the_commands_know_it(toy: Path, gantool: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path):
    done = gantool("data", "convert", str(toy), str(tmp_path / "shards"), "--format", "shards")
    assert done.stdout == f"6 images: {tmp_path / 'shards'}\n"
    back = gantool("data", "convert", str(tmp_path / "shards"), str(tmp_path / "again"))
    assert "pass --format folder|h5|hub|npz|parquet|shards|toy" in back.stderr


def test_without_the_plugin_it_is_named_among_no_formats(toy: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GANTOOL_PLUGINS", "simgan")
    with pytest.raises(GantoolError, match=r"set\.toy is neither a folder nor one of \.npz, .*"):
        open_images(toy)


def test_what_a_format_does_not_provide_is_said(site, tmp_path: Path):
    site.plant("toy", TOY.replace('{"streams", "writes", "refines"}', "()"))
    (tmp_path / "set.toy").write_bytes(b'{"shape": [1, 12, 16], "labels": {}}\n' + PIXELS[0].tobytes())
    assert len(open_images(tmp_path / "set.toy")) == 1
    with pytest.raises(GantoolError, match=r"format toy are not refined: gantool data convert it first"):
        gantool.refine("run", input=tmp_path / "set.toy", output=tmp_path / "out")
    with pytest.raises(GantoolError, match=r"format toy are not streamed, but \.parquet, \.tar, a video are"):
        open_stream(tmp_path / "set.toy", window=1)
    with pytest.raises(GantoolError, match=r"--format toy; it is one of"):
        convert(str(tmp_path / "set.toy"), tmp_path / "out", format="toy")


def test_a_format_that_cannot_be_imported_stops_no_other(site, tmp_path: Path):
    site.plant("broken", TOY.replace('f"{__name__}:Toy"', '"nowhere:Toy"'))
    Image.fromarray(PIXELS[0]).save(tmp_path / "a.png")
    (tmp_path / "set.toy").write_bytes(b"")
    assert len(open_images(tmp_path)) == 1
    with pytest.raises(GantoolError, match=r"plugin 'broken', format 'toy': cannot import 'nowhere:Toy'"):
        open_images(tmp_path / "set.toy")


LAYOUT = """
from gantool import Component, hookimpl
from gantool.data.listing import Listing

@hookimpl
def gantool_layouts():
    yield Component(name="rgb", factory="MODULE:Rgb")

class Rgb:
    def __init__(self, *, config):
        pass

    def arrange(self, root, files):
        images = tuple(file for file in files if file.startswith("rgb_"))
        return Listing(images, tuple(file for file in files if file not in images)) if images else None
"""


def test_a_layout_of_a_plugin_tells_pictures_from_masks(site, tmp_path: Path):
    site.plant("capture", LAYOUT)
    for name in ("rgb_1.png", "mask_1.png", "rgb_2.png"):
        (tmp_path / "set").mkdir(exist_ok=True)
        Image.fromarray(PIXELS[0]).save(tmp_path / "set" / name)
    assert open_images(tmp_path / "set").names == [str(tmp_path / "set/rgb_1.png"), str(tmp_path / "set/rgb_2.png")]
    assert convert(str(tmp_path / "set"), tmp_path / "shards", format="shards").copied == 1, "the mask comes along"
    for path in (tmp_path / "set").iterdir():
        path.rename(path.with_name(path.name.replace("rgb", "a").replace("mask", "b")))
    assert len(open_images(tmp_path / "set")) == 3, "not laid out so: every image file is a picture"


PATTERNS = """
from gantool import Component, hookimpl
from gantool.data.frames import PassForm, PassKind
from gantool.data.layouts.description import Description, Source
from gantool.data.layouts.model import Written

@hookimpl
def gantool_layouts():
    yield Component(name="sky", factory="MODULE:SKY")

def recognise(tree):
    depth = ((Source("mask_{n:d}.png"),), PassForm(PassKind.DEPTH, unit="m"))
    known = any(file.startswith("rgb_") for file in tree.files)
    return Description("sky", (Source("rgb_{n:d}.png"),), {"depth": depth}) if known else None

SKY = Written("sky", "what Sky writes", recognise)
"""


def test_a_layout_of_a_plugin_can_be_patterns_of_names(site, tmp_path: Path):
    site.plant("sky", PATTERNS)
    (tmp_path / "set").mkdir()
    for name in ("rgb_1.png", "mask_1.png", "rgb_2.png"):
        Image.fromarray(PIXELS[0]).save(tmp_path / "set" / name)
    found = arrange(Location(tmp_path / "set"))
    assert (found.images, found.others) == (("rgb_1.png", "rgb_2.png"), ("mask_1.png",))
    assert found.passes == {"rgb_1.png": {"depth": "mask_1.png"}, "rgb_2.png": {}}
    assert found.frames.passes["depth"].unit == "m"


FAILING = """
from gantool import Component, hookimpl
from gantool.components import Format

@hookimpl
def gantool_layouts():
    yield Component(name="torn", factory="MODULE:Torn")

@hookimpl
def gantool_formats():
    yield Format(name="broken", factory="MODULE:Broken", suffixes=(".broken",))
    yield Format(name="blind", factory="MODULE:Blind", suffixes=(".blind",))

class Torn:
    def __init__(self, *, config): pass
    def arrange(self, root, files): raise RuntimeError("no such thing")

class Broken:
    def __init__(self, *, config, record): raise RuntimeError("cannot be made")

class Blind:
    def __init__(self, *, config, record): self.record = record
    def recognises(self, place): raise KeyError("place")
"""


def test_what_fails_in_a_plugin_stops_only_whom_asks_for_it(site, tmp_path: Path):
    site.plant("failing", FAILING)
    (tmp_path / "set").mkdir()
    Image.fromarray(PIXELS[0]).save(tmp_path / "set" / "a.png")
    with pytest.warns(UserWarning, match="^layout 'torn': RuntimeError: no such thing$"):
        assert len(open_images(tmp_path / "set")) == 1
    with pytest.raises(PluginError, match="^layout 'torn': RuntimeError: no such thing$"):
        arrange(Location(tmp_path / "set", reading=Reading(layout="torn")))
    for suffix, why in (("broken", "RuntimeError: cannot be made"), ("blind", "KeyError: 'place'")):
        with pytest.raises(PluginError, match=f"plugin 'failing', format '{suffix}': {why}"):
            open_images(tmp_path / f"file.{suffix}")
    with pytest.raises(GantoolError, match=r"nowhere\.npz does not exist"):
        open_images(tmp_path / "nowhere.npz")


def test_plugins_are_loaded_once_and_records_import_no_numpy():
    assert installed() is installed()
    code = "import sys; from gantool.data.formats import words; words(); assert 'numpy' not in sys.modules"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={"GANTOOL_PLUGINS": "simgan", "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    )
