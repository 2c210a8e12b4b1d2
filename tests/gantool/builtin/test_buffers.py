from __future__ import annotations

import pytest
import torch

from gantool import NoOptions
from gantool.builtin.buffers import NoBuffer
from gantool.components import ReplayBuffer


def make() -> NoBuffer:
    return NoBuffer(config=NoOptions(), generator=torch.Generator().manual_seed(0))


def test_it_gives_back_what_it_got_without_its_graph() -> None:
    buffer = make()
    assert isinstance(buffer, ReplayBuffer)
    for seed in range(3):
        fresh = torch.rand(5, 3, 4, 4, generator=torch.Generator().manual_seed(seed)).requires_grad_()
        exchanged = buffer.exchange(fresh * 2)
        assert torch.equal(exchanged, fresh * 2)
        assert not exchanged.requires_grad


def test_it_draws_nothing_and_has_no_state() -> None:
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    buffer = NoBuffer(config=NoOptions(), generator=generator)
    buffer.exchange(torch.zeros(4, 1, 2, 2))
    assert torch.equal(generator.get_state(), before)
    assert buffer.state_dict() == {}
    buffer.load_state_dict(buffer.state_dict())


def test_it_refuses_the_state_of_another_buffer() -> None:
    with pytest.raises(ValueError, match="images"):
        make().load_state_dict({"images": torch.zeros(1, 1, 2, 2)})
