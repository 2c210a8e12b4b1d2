"""Heat maps against closed forms, the network's shapes, and that it learns."""

import pytest
import torch
from gantool_hands.heat_maps import find_peaks, log_peaks, peak_loss, to_cells, to_pixels
from gantool_hands.hourglass import HourglassEstimator, StackedHourglass, halvings_for
from gantool_hands.options import HourglassOptions

SMALL = HourglassOptions(features=8, stacks=2, depth=1, resolution=10, steps=50, batch_size=8, learning_rate=2e-2)


def test_cells_and_pixels():
    corner = torch.tensor([[0.5, 0.5], [62.5, 30.5]])  # between the first and the last two pixels of a 32×64 image
    cells = to_cells(corner, (32, 64), (16, 32))
    assert torch.allclose(cells, torch.tensor([[0.0, 0.0], [31.0, 15.0]]))
    points = torch.rand(5, 3, 2) * 40
    assert torch.allclose(to_pixels(to_cells(points, (33, 47), (9, 12)), (33, 47), (9, 12)), points, atol=1e-4)


def test_peaks_are_found_between_cells_and_without_a_second_peak():
    cells = torch.rand(6, 3, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor((18.0, 9.0)) + 4
    logits = log_peaks(cells, (18, 26), 1.5)
    second = log_peaks((cells + 12) % torch.tensor((26.0, 18.0)), (18, 26), 1.5) - 1
    both = torch.logaddexp(logits, second).unflatten(2, (18, 26))
    assert torch.allclose(find_peaks(both, 1.5), cells, atol=0.2)
    alone = find_peaks(logits.unflatten(2, (18, 26)), 1.5)
    assert (alone - cells).abs().mean() < 0.05


def test_the_loss_is_least_where_the_peak_is():
    at = torch.tensor([[[5.3, 4.1]]])
    losses = {
        shift: peak_loss(log_peaks(at + torch.tensor((shift, 0.0)), (12, 14), 1.5).unflatten(2, (12, 14)), at, 1.5).item()
        for shift in (-1.0, 0.0, 0.5, 3.0)
    }
    assert min(losses, key=losses.get) == 0.0
    wanted = log_peaks(at, (12, 14), 1.5).softmax(2)
    assert losses[0.0] == pytest.approx(float(-(wanted * wanted.log()).sum()), rel=1e-4)  # the entropy: no better is possible


def test_points_beside_the_image_give_finite_losses():
    logits = torch.zeros(1, 1, 12, 14, requires_grad=True)
    peak_loss(logits, torch.tensor([[[-400.0, 1e4]]]), 1.5).backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad.argmin() == 11 * 14  # the lower left corner is to grow


@pytest.mark.parametrize(("size", "resolution", "halvings"), [((64, 64), 64, 0), ((33, 65), 64, 1), ((224, 224), 64, 2)])
def test_heat_maps_have_the_size_that_they_should(size, resolution, halvings):
    assert halvings_for(size, resolution) == halvings
    network = StackedHourglass(2, 5, stacks=3, features=4, depth=3, halvings=halvings)
    heats = network(torch.zeros(2, 2, *size))
    expected = tuple(-(-side // 2**halvings) for side in size)
    assert [tuple(heat.shape) for heat in heats] == [(2, 5, *expected)] * 3


def test_every_part_of_the_network_learns():
    network = StackedHourglass(1, 2, stacks=2, features=4, depth=2, halvings=1)
    sum(heat.square().mean() for heat in network(torch.rand(2, 1, 24, 24))).backward()
    unused = {name for name, weight in network.named_parameters() if weight.grad is None}
    assert unused == set()


def blobs(count, seed):
    """A bright and a dark dot on grey, 16×20, and where they are, to fractions of a pixel."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(count, 2, 2, generator=generator) * torch.tensor((13.0, 9.0)) + 3
    dots = torch.exp(log_peaks(points, (16, 20), 1.2)).unflatten(2, (16, 20))
    return dots[:, :1] - dots[:, 1:], points


def test_it_finds_points_closer_than_a_cell():
    estimator = HourglassEstimator(config=SMALL, outputs=4, seed=0)
    images, points = blobs(120, 0)
    estimator.fit_points(images, points)
    unseen, truth = blobs(40, 1)
    distance = (estimator.predict(unseen).unflatten(1, (2, 2)) - truth).norm(dim=2)
    assert distance.median() < 0.7  # a cell of the heat map is 2 px wide, and the mean place is 4 px away


def test_what_it_refuses():
    with pytest.raises(ValueError, match="these labels have 3"):
        HourglassEstimator(config=SMALL, outputs=3, seed=0)
    with pytest.raises(ValueError, match="choose labels"):
        HourglassEstimator(config=SMALL, outputs=4, seed=0).fit(torch.zeros(2, 1, 20, 28), torch.zeros(2, 4))
