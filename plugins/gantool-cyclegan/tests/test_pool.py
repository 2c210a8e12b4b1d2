"""The image pool: what comes back, how often, and after a checkpoint."""

import pytest
import torch
from gantool_cyclegan.options import PoolOptions
from gantool_cyclegan.pool import ImagePool


def make(size=4, probability=0.5, seed=0):
    return ImagePool(config=PoolOptions(size=size, probability=probability), generator=torch.Generator().manual_seed(seed))


def numbered(start, count=2):
    return torch.arange(start, start + count).float().view(-1, 1, 1, 1).expand(-1, 1, 2, 3)


def test_gives_back_what_it_gets_until_it_is_full():
    pool = make(size=4)
    for start in (0, 2):
        assert torch.equal(pool.exchange(numbered(start)), numbered(start))


def test_half_of_a_full_pools_images_are_earlier_ones():
    pool = make(size=50)
    earlier = 0
    for start in range(0, 4000, 2):
        fresh = numbered(start)
        earlier += int((pool.exchange(fresh) != fresh).any(dim=(1, 2, 3)).sum())
    assert abs(earlier / 3950 - 0.5) < 0.03


def test_an_image_that_came_back_is_gone():
    pool = make(size=3, probability=1.0)
    pool.exchange(numbered(0, 3))
    back = [float(pool.exchange(numbered(start, 1)).mean()) for start in range(3, 40)]
    assert len(set(back)) == len(back)


def test_probability_0_never_gives_earlier_ones():
    pool = make(size=1, probability=0.0)
    for start in range(5):
        assert torch.equal(pool.exchange(numbered(start, 1)), numbered(start, 1))


def test_holds_copies():
    pool = make(size=1, probability=1.0)
    images = numbered(7, 1).clone()
    given = pool.exchange(images)
    images.zero_()
    given.zero_()
    assert pool.exchange(numbered(8, 1)).mean() == 7


def test_resumes_exactly():
    pool = make()
    for start in range(0, 10, 2):
        pool.exchange(numbered(start))
    state = pool.state_dict()
    expected = [pool.exchange(numbered(start)) for start in range(10, 40, 2)]
    other = make(seed=1)
    other.load_state_dict(state)
    assert all(torch.equal(other.exchange(numbered(start)), each) for start, each in zip(range(10, 40, 2), expected, strict=True))


def test_refuses_what_does_not_fit():
    pool = make()
    pool.exchange(numbered(0))
    with pytest.raises(ValueError, match=r"holds \(1, 2, 3\).*got \(1, 3, 3\)"):
        pool.exchange(torch.zeros(1, 1, 3, 3))
    with pytest.raises(ValueError, match="takes images"):
        pool.exchange(torch.zeros(1, 2, 3))
    with pytest.raises(ValueError, match="holds 2 images, this one has room for 1"):
        make(size=1).load_state_dict(pool.state_dict())
