"""What a training step is measured on: networks, image size, batch, and how they are computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gantool.plan import Choices, resolve
from gantool.plugins import load_plugins
from gantool.training.monitor import Monitor
from gantool.training.session import Session, open_session

LOG_EVERY = 10
"""The default of a run."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A preset at a size and batch. The step is one of the adversarial phase: 2 updates of R, 1 of D."""

    preset: str
    batch: int
    size: tuple[int, int] = (35, 55)
    """Height and width (px)."""
    history: int = 1024
    """B: the default of the history, whatever the preset says."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Precision, layout, compile."""
    options: dict[str, Any] = field(default_factory=dict)


def open_case(case: Case, device: str) -> Session:
    """Build the networks, the optimizers and the built-in eyes as data, and fill the history."""
    images = max(64, 2 * case.batch)
    options = {
        "dataset.synthetic_count": images,
        "dataset.real_count": images,
        "dataset.size": list(case.size),
        "recipe.refiner_warmup": 0,
        "recipe.discriminator_warmup": 0,
        "buffer.size": case.history,
    }
    settings = {"batch_size": case.batch, "device": device, "log_every": LOG_EVERY, **case.settings}
    registry = load_plugins()
    choices = Choices(plugin="simgan", preset=case.preset, options=options | case.options, settings=settings)
    session = open_session(resolve(registry, choices))
    images = session.draws.source().images
    history: Any = session.recipe.history  # type: ignore[attr-defined]
    while history.held < history.size:
        history.exchange(images)
    return session


class Steps:
    """Does step after step of a session as a run does, with its figures read at every log point."""

    def __init__(self, session: Session) -> None:
        self.session, self.monitor = session, Monitor()
        self.done = 0

    def __call__(self) -> None:
        self.monitor.add(self.done, self.session.recipe.step(self.done, self.session.draws))
        self.done += 1
        if self.done % LOG_EVERY == 0:
            self.monitor.read()
