from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import gantool
from gantool.errors import GantoolError
from gantool.model.tiling import NotTileable, Tiling, find_overlap, refine_tiled


class Watched(nn.Module):
    """Remembers the shapes that a network saw."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.seen: list[torch.Size] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(images.shape)
        return self.network(images)

    def pixels(self) -> int:
        return max(shape[0] * shape[2] * shape[3] for shape in self.seen)


class Normalised(nn.Module):
    """Looks at the whole image."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Conv2d(1, 4, 3, padding=1), nn.InstanceNorm2d(4), nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(torch.relu(self.norm(self.first(images))))


class Claiming(Normalised):
    """Says that it does not."""

    receptive_field = 5


class Brightest(nn.Module):
    """Looks at one pixel wherever it is, which gradients hardly show."""

    def forward(self, images: Tensor) -> Tensor:
        return images / images.amax((2, 3), keepdim=True).clamp(min=0.1)


class Strided(nn.Module):
    """Halves the image twice and doubles it again."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 4, 4, 2, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 4, 2, padding=1))
        self.up = nn.Sequential(nn.ConvTranspose2d(4, 4, 4, 2, padding=1), nn.ReLU(), nn.ConvTranspose2d(4, 1, 4, 2, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        return self.up(self.down(images))


def refiner(**options: object) -> nn.Module:
    torch.manual_seed(0)
    options = {"width": 4, "blocks": 2, **options}
    return gantool.build("generator", "simgan:refiner", channels=1, **options).eval()


def images(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


@torch.inference_mode()
def largest_difference(network: nn.Module, shape: tuple[int, ...], tile: int, overlap: int) -> float:
    given = images(*shape)
    return float((refine_tiled(network, given, tile=tile, overlap=overlap) - network(given)).abs().max())


@pytest.mark.parametrize("options", [{}, {"padding": "zeros"}, {"padding": "replicate", "kernel": 5}, {"kernel": 7, "blocks": 1}])
@pytest.mark.parametrize("shape", [(2, 1, 97, 151), (1, 1, 40, 200), (1, 1, 131, 64), (1, 1, 20, 21)])
def test_tiles_give_what_the_whole_image_gives(options: dict, shape: tuple[int, ...]) -> None:
    network = refiner(**options)
    overlap = network.config.receptive_field
    for tile in (2 * overlap + 2, 64):
        assert largest_difference(network, shape, tile, overlap) <= 1e-6


def test_too_small_an_overlap_shows() -> None:
    network = refiner()
    assert largest_difference(network, (1, 1, 97, 151), 48, network.config.receptive_field - 4) > 1e-4


def test_memory_is_that_of_one_tile_however_large_the_image() -> None:
    for side in (70, 200, 400):
        network = Watched(refiner(width=1, blocks=1))
        refine_tiled(network, images(2, 1, side, side), tile=64, overlap=7)
        assert network.pixels() <= 64 * 64
        assert {shape[0] for shape in network.seen} == {1}


def test_a_network_with_a_coarser_grid_inside() -> None:
    network = Strided()
    overlap = find_overlap(network, 1)
    assert overlap >= 15
    assert largest_difference(network, (1, 1, 200, 260), 96, overlap) <= 1e-6


@pytest.mark.parametrize("options", [{}, {"kernel": 7}, {"blocks": 0}])
def test_the_receptive_field_that_is_measured_is_the_one_that_is_stated(options: dict) -> None:
    network = refiner(**options)
    stated = network.config.receptive_field
    assert find_overlap(network, 1) == stated
    assert find_overlap(Watched(network), 1) == stated, "the wrapper states nothing"


@pytest.mark.parametrize(
    ("network", "message"),
    [(Normalised, "perhaps on the whole image"), (Brightest, "tiles would show"), (Claiming, "states a receptive field of 5 px")],
)
def test_a_network_that_looks_at_the_whole_image_is_found_out(network: type[nn.Module], message: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(NotTileable, match=message):
        find_overlap(network().eval(), 1)


def test_it_is_found_while_gradients_are_off() -> None:
    network = refiner()
    with torch.inference_mode():
        assert find_overlap(Watched(network), 1) == network.config.receptive_field


def test_which_images_are_tiled() -> None:
    assert Tiling().wants(1024, 1025)
    assert not Tiling().wants(1024, 1024)
    assert not Tiling(side=0).wants(9999, 9999)
    assert Tiling(side=64).wants(10, 65)
    assert not Tiling(side=64).wants(64, 64)


@pytest.mark.parametrize("sizes", [{"side": 20, "overlap": 10}, {"overlap": -1}])
def test_sizes_that_make_no_tiles(sizes: dict) -> None:
    with pytest.raises(GantoolError, match="--tile"):
        Tiling(**sizes)
    with pytest.raises(GantoolError, match="--tile 20"):
        refine_tiled(nn.Identity(), images(1, 1, 50, 50), tile=20, overlap=10)


def test_a_network_that_changes_the_size_is_refused() -> None:
    with pytest.raises(GantoolError, match="cannot be tiled"):
        refine_tiled(nn.AvgPool2d(2), images(1, 1, 50, 50), tile=32, overlap=4)
