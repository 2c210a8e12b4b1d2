"""Figures of a run for TensorBoard. No torch: it comes in when a logger is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Gt

from ..components import Event
from ..errors import MissingExtra


@dataclass(frozen=True, kw_only=True)
class TensorBoardOptions:
    """How TensorBoard is written."""

    flush_seconds: Annotated[float, Gt(0)] = 120.0
    """Seconds that figures are held back at most before they are written."""


class TensorBoard:
    """Writes every figure as a scalar into `RUN/tensorboard`.

    A resumed run purges what it had written beyond its checkpoint. Raises `MissingExtra` without the extra `tensorboard`.
    """

    def __init__(self, *, config: TensorBoardOptions) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtra("logger 'tensorboard'", "tensorboard", "tensorboard") from None
        self._make, self._config = SummaryWriter, config
        self._board: Any = None

    def log(self, event: Event) -> None:
        """Add the figures of `event`; the first one says where the run is and goes on from."""
        if self._board is None:
            seconds = self._config.flush_seconds
            self._board = self._make(str(event.run / "tensorboard"), purge_step=event.step + 1, flush_secs=seconds)
        for name, value in event.values.items():
            self._board.add_scalar(name, value, event.step)

    def close(self) -> None:
        """Write what is held back."""
        if self._board is not None:
            self._board.close()
