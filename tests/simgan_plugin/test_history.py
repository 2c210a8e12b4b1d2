from __future__ import annotations

import io
import math
from collections import Counter
from itertools import count

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gantool.components import ReplayBuffer
from simgan_plugin.history import History
from simgan_plugin.options import HistoryOptions


def make(size: int, *, seed: int = 0) -> History:
    return History(config=HistoryOptions(size=size), generator=torch.Generator().manual_seed(seed))


class Numbered:
    """Images of one pixel whose value says how many were made before it: an identity that survives any copy."""

    def __init__(self) -> None:
        self.made = 0

    def batch(self, b: int) -> Tensor:
        start, self.made = self.made, self.made + b
        return torch.arange(start, self.made, dtype=torch.float64).reshape(b, 1, 1, 1)


def ids(images: Tensor) -> list[int]:
    return [int(value) for value in images.flatten().tolist()]


def held(history: History) -> list[int]:
    images = history.state_dict()["images"]
    return [] if images is None else ids(images)


# The contract, at every size of batch and store


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 17, 64])
@pytest.mark.parametrize("b", [1, 2, 3, 4, 7, 8, 33])
def test_contract(size: int, b: int) -> None:
    history, source = make(size), Numbered()
    assert isinstance(history, ReplayBuffer)
    for _ in range(60):
        before, fresh = held(history), source.batch(b)
        returned, after = ids(history.exchange(fresh)), held(history)
        new = set(ids(fresh))
        old = [image for image in returned if image not in new]

        assert len(returned) == b
        assert len(set(returned)) == b, "no image twice"
        assert set(old) <= set(before), "every old image was held"
        expected = min(b // 2, len(before)) if b > 1 else len(old)
        assert len(old) == expected <= max(b // 2, 1)

        stored = [image for image in after if image in new]
        assert len(after) == len(set(after)) <= size
        assert set(after) <= set(before) | new
        free = size - len(before)
        if free:
            assert len(stored) == min(max(b // 2, 1), free)
            assert after[: len(before)] == before, "nothing is lost while there is room"
        elif b > 1:
            assert len(stored) == min(b // 2, size)
        unseen = [image for image in ids(fresh) if image not in returned]
        assert set(stored) <= set(unseen) or set(unseen) <= set(stored), "images that D has not seen are stored first"


def test_b_may_change_from_call_to_call() -> None:
    history, source = make(10), Numbered()
    for b in (4, 1, 9, 2, 40, 3, 0, 6):
        assert len(history.exchange(source.batch(b))) == b


def test_result_is_detached_and_a_copy() -> None:
    history = make(4)
    weight = torch.ones(1, requires_grad=True)
    for value in range(8):
        fresh = torch.full((4, 1, 2, 2), float(value)) * weight
        returned = history.exchange(fresh)
        assert not returned.requires_grad
        assert returned.dtype == fresh.dtype
        returned.fill_(-1)
        fresh.detach().fill_(-1)
        images = history.state_dict()["images"]
        assert (images >= 0).all(), "no caller can write into the store"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_images_come_back_to_the_bit_in_any_layout(dtype: torch.dtype) -> None:
    history = make(8)
    given = [torch.rand(4, 3, 5, 7, generator=torch.Generator().manual_seed(i)).to(dtype) for i in range(10)]
    known = {image.numpy(force=True).tobytes() for batch in given for image in batch.float()}
    for batch in given:
        returned = history.exchange(batch.contiguous(memory_format=torch.channels_last))
        assert all(image.contiguous().numpy(force=True).tobytes() in known for image in returned.float())


@pytest.mark.parametrize("other", [(4, 1, 5, 4), (4, 2, 4, 4), (4, 1, 4, 5)])
def test_another_shape_is_refused(other: tuple[int, ...]) -> None:
    history = make(8)
    history.exchange(torch.zeros(4, 1, 4, 4))
    with pytest.raises(ValueError, match=r"holds \(1, 4, 4\)"):
        history.exchange(torch.zeros(other))


def test_another_dtype_or_rank_is_refused() -> None:
    history = make(8)
    with pytest.raises(ValueError, match=r"\(N, C, H, W\)"):
        history.exchange(torch.zeros(4, 4, 4))
    history.exchange(torch.zeros(4, 1, 4, 4))
    with pytest.raises(ValueError, match="float16"):
        history.exchange(torch.zeros(4, 1, 4, 4, dtype=torch.float16))


# Old images really come back


def recalled_ages(size: int, b: int, exchanges: int) -> tuple[list[int], int]:
    """Ages, in exchanges, of what comes back once the store is full and old; and how many rows were returned."""
    history, source = make(size), Numbered()
    born: dict[int, int] = {}
    ages, rows = [], 0
    warm = 20 * size // max(b // 2, 1)
    for now in range(warm + exchanges):
        fresh = source.batch(b)
        born |= dict.fromkeys(ids(fresh), now)
        returned = ids(history.exchange(fresh))
        if now >= warm:
            rows += b
            ages += [now - born[image] for image in returned if born[image] < now]
    return ages, rows


def chi_square(observed: Counter[int], expected: dict[int, float]) -> float:
    """Standardised χ²: about normal with mean 0 and variance 1 where `expected` is true."""
    cells = len(expected) - 1
    total = sum((observed[key] - value) ** 2 / value for key, value in expected.items())
    return (total - cells) / math.sqrt(2 * cells)


def geometric_fit(ages: list[int], leave: float) -> float:
    """Standardised χ² of ages 1, 2, … against P(age) = leave (1 − leave)^(age − 1), with the tail in one cell."""
    n, expected = len(ages), {}
    for age in count(1):
        value = n * leave * (1 - leave) ** (age - 1)
        if value < 50:
            break
        expected[age] = value
    tail = len(expected) + 1
    expected[tail] = n * (1 - leave) ** (tail - 1)
    return chi_square(Counter(min(age, tail) for age in ages), expected)


@pytest.mark.parametrize(("size", "b"), [(64, 16), (32, 7), (20, 20)])
def test_half_of_each_batch_is_old_and_ages_are_geometric(size: int, b: int) -> None:
    ages, rows = recalled_ages(size, b, exchanges=2000)
    half = b // 2
    assert len(ages) == rows // b * half
    assert sum(ages) / len(ages) == pytest.approx(size / half, rel=0.05)
    # Images that came in together leave at most one by one, which makes cells of one age a little more even or uneven.
    assert abs(geometric_fit(ages, half / size)) < 5


def test_the_fit_tells_a_store_that_returns_its_oldest() -> None:
    """The test above can fail: ages that are right on average only are far outside."""
    assert geometric_fit([8] * 10_000, 1 / 8) > 100


def test_single_images_come_back_half_of_the_time() -> None:
    ages, rows = recalled_ages(8, 1, exchanges=6000)
    assert len(ages) / rows == pytest.approx(0.5, abs=0.03)
    # One image is replaced whenever one comes back: per exchange with probability 1/2, one of 8.
    assert sum(ages) / len(ages) == pytest.approx(16, rel=0.1)
    assert abs(geometric_fit(ages, 1 / 16)) < 5


def places_used(size: int, b: int, exchanges: int) -> tuple[Counter[int], Counter[int]]:
    """How often each place of a full store was read and replaced."""
    history, source = make(size, seed=1), Numbered()
    while len(held(history)) < size:
        history.exchange(source.batch(b))
    read, replaced = Counter[int](), Counter[int]()
    for _ in range(exchanges):
        before = held(history)
        returned = set(ids(history.exchange(source.batch(b))))
        read.update(place for place, image in enumerate(before) if image in returned)
        replaced.update(place for place, (old, new) in enumerate(zip(before, held(history), strict=True)) if old != new)
    return read, replaced


def test_every_place_is_read_and_replaced_alike() -> None:
    size, b, exchanges = 24, 10, 4000
    for used in places_used(size, b, exchanges):
        assert sum(used.values()) == exchanges * (b // 2)
        # Draws without replacement vary less than independent ones: variance is smaller by (1 − k/n), mean of χ² too.
        share = exchanges * (b // 2) / size
        statistic = sum((used[place] - share) ** 2 / share for place in range(size)) / (1 - (b // 2) / size)
        assert abs(statistic - (size - 1)) / math.sqrt(2 * (size - 1)) < 4


def test_what_is_replaced_does_not_depend_on_what_came_back() -> None:
    """A store that drops what it has just shown has the same ages, and shows every image once only."""
    size, b, exchanges = 20, 16, 1000
    history, source = make(size), Numbered()
    shown_and_dropped = 0
    for _ in range(exchanges):
        before = set(held(history))
        returned = set(ids(history.exchange(source.batch(b))))
        shown_and_dropped += len(before & returned - set(held(history)))
    assert shown_and_dropped / exchanges == pytest.approx((b // 2) ** 2 / size, rel=0.05)


def test_pairs_are_drawn_alike() -> None:
    """Sets, not only single places, are uniform: a draw that favours neighbours would pass the test above."""
    history = make(6)
    history.held = 6
    pairs = Counter(tuple(sorted(history._draw(2))) for _ in range(15_000))
    assert len(pairs) == 15
    cells = dict.fromkeys(range(15), 1000.0)
    assert abs(chi_square(Counter(dict(enumerate(pairs.values()))), cells)) < 4


@pytest.mark.parametrize("n", [1, 2, 7])
def test_a_draw_of_all_takes_all(n: int) -> None:
    history = make(n)
    history.held = n
    assert sorted(history._draw(n)) == list(range(n))
    assert history._draw(0) == []


# Cost


class Recorder(TorchDispatchMode):
    """Notes each operation and the size of what it makes, but for views and updates of the store itself."""

    def __init__(self, store: Tensor) -> None:
        super().__init__()
        self.store = store.untyped_storage().data_ptr()
        self.operations: list[tuple[str, int]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        out = func(*args, **(kwargs or {}))
        of_store = isinstance(out, Tensor) and out.untyped_storage().data_ptr() == self.store
        self.operations.append((str(func), 0 if of_store or not isinstance(out, Tensor) else out.numel()))
        return out


def operations_of_an_exchange(size: int, *, full: bool) -> list[tuple[str, int]]:
    history, fresh = make(size), torch.rand(16, 1, 3, 3)
    history.exchange(fresh)
    while full and history.held < size:
        history.exchange(torch.rand(4 * size, 1, 3, 3))
    assert history._images is not None
    with Recorder(history._images) as recorder:
        history.exchange(fresh)
    return recorder.operations


@pytest.mark.parametrize("full", [False, True])
def test_an_exchange_costs_the_same_whatever_the_size(full: bool) -> None:
    small, large = operations_of_an_exchange(64, full=full), operations_of_an_exchange(8192, full=full)
    assert small == large
    assert max(numel for _, numel in small) == 16 * 9
    assert len(small) > 5


def test_the_store_is_allocated_once() -> None:
    history, source = make(50), Numbered()
    history.exchange(source.batch(8))
    assert history._images is not None
    address, shape = history._images.data_ptr(), history._images.shape
    for _ in range(100):
        history.exchange(source.batch(8))
        assert (history._images.data_ptr(), history._images.shape) == (address, shape)
    assert shape == (50, 1, 1, 1)


# State


@pytest.mark.parametrize("exchanges", [0, 1, 3, 40])
@pytest.mark.parametrize("b", [1, 5, 8])
def test_a_restored_history_goes_on_to_the_bit(b: int, exchanges: int) -> None:
    history, source = make(24), Numbered()
    for _ in range(exchanges):
        history.exchange(source.batch(b))
    buffer = io.BytesIO()
    torch.save(history.state_dict(), buffer)
    buffer.seek(0)
    other = make(24, seed=9)
    other.exchange(torch.full((3, 1, 1, 1), -1.0, dtype=torch.float64))
    other.load_state_dict(torch.load(buffer, weights_only=True))
    for _ in range(30):
        fresh = source.batch(b)
        assert torch.equal(history.exchange(fresh), other.exchange(fresh))
        assert held(history) == held(other)


def test_a_state_holds_filled_places_only_and_does_not_change_later() -> None:
    history, source = make(1000), Numbered()
    history.exchange(source.batch(8))
    state = history.state_dict()
    assert ids(state["images"]) == [4, 5, 6, 7]
    assert state["images"].is_contiguous()
    assert state["images"].untyped_storage().nbytes() == 4 * 8
    draws = state["generator"].clone()
    for _ in range(400):
        history.exchange(source.batch(8))
    assert ids(state["images"]) == [4, 5, 6, 7]
    assert torch.equal(state["generator"], draws)


def test_a_state_that_does_not_fit_is_refused() -> None:
    history = make(8)
    history.exchange(torch.zeros(16, 1, 2, 2))
    with pytest.raises(ValueError, match="holds 8 images, this one has room for 4: set size=8"):
        make(4).load_state_dict(history.state_dict())


def test_a_larger_history_takes_a_smaller_one_s_state() -> None:
    small, source = make(4), Numbered()
    for _ in range(5):
        small.exchange(source.batch(4))
    large = make(9)
    large.load_state_dict(small.state_dict())
    assert held(large) == held(small)
    large.exchange(source.batch(4))
    assert len(held(large)) == 6


def test_randomness_comes_from_its_generator_alone() -> None:
    before = torch.get_rng_state()
    first, second, third = make(16), make(16), make(16, seed=1)
    results: list[list[int]] = [[], [], []]
    for history, result in zip((first, second, third), results, strict=True):
        source = Numbered()
        for _ in range(20):
            result += ids(history.exchange(source.batch(6)))
    assert results[0] == results[1] != results[2]
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_does_not_wait() -> None:
    history, fresh = make(16), torch.rand(8, 1, 4, 4, device="cuda")
    history.exchange(fresh)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(8):
            assert history.exchange(fresh).device == fresh.device
    finally:
        torch.cuda.set_sync_debug_mode("default")
