"""Training on random crops: which are drawn, that all feeds and processes draw the same, what a run of them writes and says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantool import GantoolError, load, refine, train
from gantool.cli.main import run
from gantool.components import Pair
from gantool.data.domains import Preprocess
from gantool.data.order import uniforms
from gantool.data.prepare import prepare
from gantool.evaluation.run_images import RunImages, draw
from gantool.plan import Choices
from gantool.plan.choices import read_config
from gantool.training.feeds import Feed, IterableFeed, ResidentFeed, Share, StreamFeed, first_labels, open_feed

SHARE = Share(seed=7, batch_size=4, rank=0, world_size=1, device=torch.device("cpu"))
PATCH = (6, 5)
SIZES = [(7, 12), (6, 5), (20, 9), (13, 13), (6, 30)]
SMALL = {"generator.width": 2, "generator.blocks": 1, "discriminator.width_factor": 0.05}


class Places:
    """Pictures of mixed sizes that tell of every pixel the picture and where it is."""

    name = "planted"

    def __init__(self, sizes=SIZES) -> None:
        self.sizes = sizes
        self.labels = {"number": np.arange(len(sizes))}

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> np.ndarray:
        height, width = self.sizes[index]
        number, row, column = np.full((height, width), index), np.arange(height)[:, None], np.arange(width)[None]
        return np.stack(np.broadcast_arrays(number, row, column), axis=2).astype(np.uint8)


class Stream(Places):
    def stream(self, *, seed: int, skip: int):
        number = skip
        while True:
            yield Places.__getitem__(self, (seed + number) % len(self.sizes))
            number += 1


class OnlyStream:
    name = "a planted stream"

    def __init__(self) -> None:
        self.stream = Stream().stream


def prepared(domain=None):
    source, _, _ = prepare(Pair(domain or Places(), Places()), Preprocess(), PATCH)
    return source


def pixels(images: torch.Tensor) -> np.ndarray:
    """(N, H, W, 3) int: picture, row and column."""
    return images.add(1).mul(127.5).round().int().permute(0, 2, 3, 1).numpy()


def check_crops(found: np.ndarray) -> None:
    assert found.shape[1:] == (*PATCH, 3)
    for crop in found:
        number, top, left = crop[0, 0]
        height, width = SIZES[number]
        assert top + PATCH[0] <= height
        assert left + PATCH[1] <= width
        rows, columns = np.arange(PATCH[0])[:, None] + top, np.arange(PATCH[1])[None] + left
        assert np.array_equal(crop, np.stack(np.broadcast_arrays(number, rows, columns), axis=2))


def test_every_feed_draws_the_same_crops_at_native_resolution():
    feeds: list[Feed] = [ResidentFeed(prepared(), SHARE), *(StreamFeed(prepared(), SHARE, workers=count) for count in (0, 1))]
    batches = [[feed.next().images for _ in range(6)] for feed in feeds]
    for feed in feeds:
        feed.drawn = 3
        assert torch.equal(feed.next().images, batches[0][3])
        feed.close()
    for drawn in zip(*batches, strict=True):
        assert all(torch.equal(images, drawn[0]) for images in drawn)
        assert drawn[0].is_contiguous(memory_format=torch.channels_last)
        check_crops(pixels(drawn[0]))


@pytest.mark.parametrize("domain", [Places, OnlyStream])
def test_processes_together_draw_what_one_draws(domain):
    def feed(share: Share) -> Feed:
        return open_feed(prepared(domain()), share, cache_gib=1, workers=0, what="real")

    one = feed(replace(SHARE, batch_size=6))
    ranks = [feed(replace(SHARE, batch_size=3, world_size=2, rank=rank)) for rank in (0, 1)]
    for _ in range(4):
        together = torch.cat([each.next().images for each in ranks])
        assert torch.equal(one.next().images, together)
        check_crops(pixels(together))
    assert isinstance(one, IterableFeed) == (domain is OnlyStream)
    ranks[1].drawn = one.drawn = 1
    assert torch.equal(ranks[1].next().images, one.next().images[3:])


def test_crops_are_spread_over_the_whole_picture_and_differ_from_epoch_to_epoch():
    draws = uniforms(np.arange(40_000), seed=3)
    assert draws.shape == (40_000, 2)
    assert 0 <= draws.min() < 1e-3
    assert 1 - 1e-3 < draws.max() < 1
    cells, _, _ = np.histogram2d(draws[:, 0], draws[:, 1], bins=5, range=((0, 1), (0, 1)))
    assert np.abs(cells - 1600).max() < 5 * 1600**0.5
    assert not np.isin(draws, uniforms(np.arange(40_000), seed=4)).any()
    feed = ResidentFeed(prepared(Places([(20, 20)])), replace(SHARE, batch_size=100))
    corners = {tuple(corner) for _ in range(20) for corner in pixels(feed.next().images)[:, 0, 0, 1:]}
    assert corners == {(top, left) for top in range(15) for left in range(16)}


def test_labels_say_where_the_crop_lies_and_maps_are_cropped_alike():
    domain = Places([(20, 9)] * 3)
    domain.labels = {"number": np.arange(3), "map": np.stack([domain[row][..., 2] for row in range(3)]), "point": np.ones((3, 2))}
    feed = open_feed(prepared(domain), SHARE, cache_gib=1, workers=0, what="real", labels=True)
    batches = [feed.next() for _ in range(3)]
    assert [record["patch"] for record in first_labels(prepared(domain), 12, seed=SHARE.seed)] == [
        record["patch"] for batch in batches for record in batch.labels
    ]
    for batch in batches:
        for crop, record in zip(pixels(batch.images), batch.labels, strict=True):
            assert tuple(crop[0, 0]) == (record["number"], *record["patch"][:2])
            assert record["patch"][2:] == PATCH
            assert np.array_equal(record["map"], crop[..., 2])
            assert record["point"].tolist() == [1, 1]


def test_the_limit_of_a_batch_counts_patches():
    def opened(size: tuple[int, int], batch: int) -> Feed:
        share = replace(SHARE, batch_size=batch)
        return open_feed(prepared(Places([size] * 2)), share, cache_gib=1, workers=0, what="real")

    assert len(opened((7, 6), 8).next()) == 8  # two pictures of four crops each
    with pytest.raises(GantoolError, match=r"--batch-size 9 is larger than the 8 real patches.*pass --batch-size 8 or less"):
        opened((7, 6), 9)


def test_a_picture_smaller_than_the_patch_is_named():
    with pytest.raises(
        GantoolError, match=r"^Places\[0\] is 6x4, smaller than the patch of 6x5: pass --patch 6x4, or --size HxW$"
    ):
        prepare(Pair(type("Places", (Places,), {"name": "Places"})([(6, 4)]), Places()), Preprocess(), PATCH)
    late = prepared(Places([(6, 5), (5, 5)]))  # of a data set that tells no forms only the first is looked at
    with pytest.raises(GantoolError, match=r"planted\[1\] is 5x5, smaller than the patch of 6x5"):
        late[1]


@pytest.mark.parametrize(
    ("sizes", "size", "patch"),
    [
        ([(72, 128), (80, 64)], None, (64, 64)),
        ([(64, 64)], None, None),
        ([(63, 200)], None, None),
        ([(72, 128)], (70, 90), None),
    ],
)
def test_patches_are_chosen_where_pictures_are_larger_and_no_size_is_given(folder_of, sizes, size, patch):
    domains = Pair(folder_of("a", sizes), folder_of("b", sizes[::-1]))
    source, target, _ = prepare(domains, Preprocess(size=size), "auto")
    assert source.patch == target.patch == patch
    assert prepare(domains, Preprocess(size=size or (70, 70)), "off")[0].patch is None


def test_mixed_sizes_that_hold_no_patch_say_what_there_is_to_do(folder_of):
    domains = Pair(folder_of("a", [(30, 80)]), folder_of("b", [(40, 80)]))
    with pytest.raises(GantoolError, match="sizes differ.*: pass --size HxW, or --patch HxW to train on crops"):
        prepare(domains, Preprocess(), "auto")
    assert prepare(domains, Preprocess(), (30, 80))[1].patches == 11  # one picture, eleven rows to begin at


@pytest.fixture
def folder_of(tmp_path: Path):
    from gantool.data.formats.folder import FolderImages
    from gantool.data.locations import Location

    def make(name: str, sizes: list[tuple[int, int]]):
        write(tmp_path / name, sizes)
        return FolderImages(Location(tmp_path / name))

    return make


def write(folder: Path, sizes: list[tuple[int, int]]) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(len(sizes))
    for number, (height, width) in enumerate(sizes):
        Image.fromarray(rng.integers(0, 255, (height, width), np.uint8)).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, str]:
    sizes = [(70, 96), (96, 70), (66, 65)] * 4
    return {name: str(write(tmp_path / name, sizes)) for name in ("synthetic", "real")}


def test_a_run_by_patches_from_start_to_refining(pictures, tmp_path, capsys):
    folder = tmp_path / "run"
    options = [word for name, value in SMALL.items() for word in ("-o", f"{name}={value}")]
    places = ["--synthetic", pictures["synthetic"], "--real", pictures["real"], "--output", str(folder)]
    few = ["--steps", "2", "--batch-size", "2", "--device", "cpu"]
    assert run(["train", "--plugin", "simgan", *places, *few, *options]) == 0
    written = json.loads((folder / "run.json").read_text())
    assert "pictures are of 3 sizes: training on patches of 64x64; --size trains on whole pictures" in capsys.readouterr().err
    assert written["patch"] == [64, 64]
    assert json.loads((folder / "config.json").read_text())["trained_size"] is None
    assert Image.open(folder / "samples/step-00000000.png").height > 64
    refine(run=folder, input=pictures["synthetic"], output=tmp_path / "refined")
    assert Image.open(tmp_path / "refined/001.png").size == (70, 96)
    images = RunImages(folder, device="cpu")
    assert images.size == (66, 65)  # crops of what fits in every picture, at their own resolution
    assert draw(images.real, 3, seed=0).images.shape == (3, 1, 66, 65)
    assert load(folder)(torch.zeros(1, 1, 30, 41)).shape == (1, 1, 30, 41)
    replayed = train(config=folder / "run.json", output=tmp_path / "again", patch="32x40", steps=1)
    assert json.loads((replayed / "run.json").read_text())["patch"] != written["patch"]


def test_a_resumed_run_by_patches_ends_where_an_uninterrupted_one_does(pictures, tmp_path):
    quick = {"batch_size": 2, "device": "cpu", "patch": (16, 24), "options": {**SMALL, "recipe.decay": 0.0}}
    whole = train("simgan", **pictures, output=tmp_path / "whole", steps=6, **quick)
    parts = train("simgan", **pictures, output=tmp_path / "parts", steps=3, **quick)
    train(resume=parts, steps=6)
    assert (whole / "refiner.safetensors").read_bytes() == (parts / "refiner.safetensors").read_bytes()


def test_a_run_from_before_there_were_patches_is_replayed_on_whole_images(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"format": 1, "plugin": "simgan"}))
    (tmp_path / "mine.toml").write_text('plugin = "simgan"\n')
    assert read_config(tmp_path / "run.json").settings["patch"] == "off"
    assert "patch" not in read_config(tmp_path / "mine.toml").settings


def test_memory_of_streaming_is_that_of_the_crops():
    read: list[np.ndarray] = []

    class Large(Places):
        def __getitem__(self, index: int) -> np.ndarray:
            read.append(super().__getitem__(index))
            return read[-1]

    large = Large([(200, 200)] * 8)
    feed = StreamFeed(prepared(large), SHARE, workers=0)
    feed.next()
    from gantool.training.feeds import _cut

    (crop,), _ = _cut((large[0],), prepared(large), np.array([0.5, 0.5]))
    assert crop.base is None
    assert crop.nbytes == PATCH[0] * PATCH[1] * 3


def test_command_line(pictures, tmp_path, capsys):
    words = ["train", "--plugin", "simgan", "--synthetic", pictures["synthetic"], "--real", pictures["real"]]
    assert run([*words, "--patch", "48x40", "--dry-run"]) == 0
    plan = Choices.from_mapping(json.loads(capsys.readouterr().out), where="plan")
    assert plan.settings["patch"] == [48, 40]
    assert run([*words, "--patch", "100x100", "--output", str(tmp_path / "run")]) == 2
    assert "smaller than the patch of 100x100" in capsys.readouterr().err
