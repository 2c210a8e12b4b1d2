from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from gantool.refining.backends.shares import Shares


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def images(count: int) -> Tensor:
    return torch.rand(count, 2, 9, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("count", [0, 1, 47, 48, 49, 100])
def test_shares_give_what_the_whole_batch_gives_in_its_order(count: int) -> None:
    torch.manual_seed(0)
    network = nn.Conv2d(2, 3, 3, padding=1)
    with torch.no_grad():
        torch.testing.assert_close(Shares(network)(images(count)), network(images(count)))


class Recording:
    def __init__(self, count: int) -> None:
        self.seen: list[tuple[int, int, bool]] = []
        self.together = threading.Barrier(count)

    def __call__(self, share: Tensor) -> Tensor:
        self.together.wait(timeout=30)
        self.seen.append((len(share), torch.get_num_threads(), torch.is_inference_mode_enabled()))
        return share


def test_each_thread_has_a_share_at_the_same_time_and_one_torch_thread() -> None:
    network = Recording(3)
    shares = Shares(network)
    for _ in range(2):  # also when the threads are there already
        shares(images(50))
    assert sorted(network.seen) == [(16, 1, True)] * 2 + [(17, 1, True)] * 4


def test_the_setting_of_everybody_else_stays() -> None:
    Shares(lambda share: share)(images(48))
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert (torch.get_num_threads(), later) == (3, [3])


def test_few_images_are_not_split() -> None:
    network = Recording(1)
    Shares(network)(images(47))
    assert network.seen == [(47, 3, False)]


def test_an_error_in_a_share_comes_out_and_later_batches_are_computed() -> None:
    def network(share: Tensor) -> Tensor:
        if share.max() > 1:
            raise ValueError("too bright")
        return share

    shares = Shares(network)
    bright = images(48)
    bright[-1] = 2
    with pytest.raises(ValueError, match="too bright"):
        shares(bright)
    assert torch.equal(shares(images(48)), images(48))
