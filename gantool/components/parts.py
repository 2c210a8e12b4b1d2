"""What factories of networks, losses and buffers return. Shapes are (N, C, H, W); images are float, in [-1, 1]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch


@runtime_checkable
class Features(Protocol):
    """What a generator that provides "features" has beside its forward pass: the maps of its encoder."""

    def features(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(N, C, H, W) in [-1, 1] -> (N, C_l, h_l, w_l) each, fine to coarse, with gradients to images and weights.

        How many there are and their C_l depend on the options alone, h_l and w_l on H and W alone; a position is the same
        region in every image of one size. Generated images can be given, too, where C allows.
        """


@runtime_checkable
class AdversarialLoss(Protocol):
    """Judges logits, in which higher means "more like the target (real) domain". Never calls backward."""

    def discriminator(self, real_logits: torch.Tensor, fake_logits: torch.Tensor) -> torch.Tensor:
        """0-d loss of the discriminator; logits are (N, 1, h, w)."""

    def generator(self, fake_logits: torch.Tensor) -> torch.Tensor:
        """0-d loss of the generator; logits are (N, 1, h, w)."""


@runtime_checkable
class Penalty(Protocol):
    """What an adversarial loss that needs "penalty" has beside its two terms: one on the gradients of the discriminator."""

    def penalty(
        self, discriminator: Callable[[torch.Tensor], torch.Tensor], real: torch.Tensor, fake: torch.Tensor
    ) -> torch.Tensor:
        """0-d, to be added to the discriminator's loss in each of its updates; images are (N, C, H, W) in [-1, 1] each."""


@runtime_checkable
class Relativistic(Protocol):
    """What an adversarial loss that needs "relativistic" has in place of `generator`: real logits are part of it."""

    def discriminator(self, real_logits: torch.Tensor, fake_logits: torch.Tensor) -> torch.Tensor:
        """0-d loss of the discriminator; logits are (N, 1, h, w)."""

    def relative_generator(self, real_logits: torch.Tensor, fake_logits: torch.Tensor) -> torch.Tensor:
        """0-d loss of the generator; logits are (N, 1, h, w), the real ones of a real batch that the same D judged."""


@runtime_checkable
class PairLoss(Protocol):
    """A distance of two image batches of one shape. Never calls backward."""

    def __call__(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """0-d, non-negative; (N, C, H, W) each."""


@runtime_checkable
class ReplayBuffer(Protocol):
    """Remembers generated images, so that a discriminator does not forget old ones."""

    def exchange(self, fresh: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C, H, W), detached, same device and dtype; each row was given now or before."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that decides later results: the images held and the random state of later draws."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
