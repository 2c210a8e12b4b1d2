"""PatchNCE against a loop, and the projections."""

import math

import pytest
import torch
import torch.nn.functional as F
from gantool_cut.contrast import Projections, draw_places, patch_nce

TAU = 0.07


def directions(seed, count=2, places=5, width=3):
    values = torch.randn(count, places, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(values, dim=2)


def test_patch_nce_is_eq_2():
    query, key = directions(0), directions(1)
    terms = []
    for image in range(2):
        for own in range(5):
            scores = [math.exp(float(query[image, own] @ key[image, other]) / TAU) for other in range(5)]
            terms.append(-math.log(scores[own] / sum(scores)))
    assert patch_nce(query, key, temperature=TAU).item() == pytest.approx(sum(terms) / len(terms), rel=1e-10)


def test_patch_nce_of_unrelated_patches_is_the_log_of_their_number():
    same = torch.ones(2, 5, 1)
    assert patch_nce(same, same, temperature=TAU).item() == pytest.approx(math.log(5))


def test_patch_nce_gradient():
    query, key = directions(0).requires_grad_(), directions(1).requires_grad_()
    torch.autograd.gradcheck(lambda q: patch_nce(q, key, temperature=1.0), query)
    patch_nce(query, key, temperature=TAU).backward()
    assert key.grad is None


def test_projections_look_at_the_drawn_positions_only():
    torch.manual_seed(0)  # of other random weights, all seven hidden units may be dead
    maps = [torch.randn(2, 3, 4, 6), torch.randn(2, 5, 2, 3)]
    places = [torch.tensor([1, 10, 23]), torch.tensor([4, 0])]
    network = Projections([3, 5], width=7)
    vectors = network(maps, places)
    assert [tuple(each.shape) for each in vectors] == [(2, 3, 7), (2, 2, 7)]
    assert all(torch.allclose(each.norm(dim=2), torch.ones(1)) for each in vectors)
    expected = F.normalize(network.heads[0](maps[0][1, :, 1, 4]), dim=0)  # position 10 of a map 6 wide
    assert torch.allclose(vectors[0][1, 1], expected, atol=1e-6)


def test_places_are_distinct_and_as_many_as_there_are():
    places = draw_places([torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 3, 3)], 16)
    assert [len(each) for each in places] == [16, 9]
    assert all(len(each.unique()) == len(each) for each in places)
    assert int(places[0].max()) < 64
