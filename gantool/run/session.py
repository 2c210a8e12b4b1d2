"""Builds everything a plan names: device, data, networks, recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from ..components import Domain, Metric, Recipe, Setup, SourceMetric, StreamingDomain, TrainingRecipe
from ..data.options import Preprocess
from ..data.prepare import prepare
from ..errors import GantoolError
from ..options import validate
from ..plan import Part, Plan
from ..plugins import Provided, Registry, resolve_factory
from ..settings import RunSettings
from .bundle import Recorded
from .device import make_accelerator
from .feed import Draws, Feed, Share, open_feed

_SAMPLES = 16
"""Images of each domain on a sample sheet."""
_SELECTION = 256
"""Images of each domain that the metric sees, fewer where they are large."""
_SELECTION_VALUES = 2**26
"""Values (height × width × channels) in them: 256 MiB of each domain in float32."""


@dataclass(kw_only=True)
class Session:
    """A plan, built."""

    accelerator: Accelerator
    recipe: TrainingRecipe
    draws: Draws
    recorded: Recorded
    """Describes the generator for `config.json`, all but the step."""
    metric: Provided
    metric_config: Any
    held_source: torch.Tensor
    """Fixed synthetic images for sheets and metric, (N, C, H, W) in [-1, 1]."""
    held_target: torch.Tensor
    """Fixed real images likewise."""
    summary: str
    """One line for the user: how many images of which form, on which device."""

    @property
    def sheet_images(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The synthetic and real images of sample sheets."""
        return self.held_source[:_SAMPLES], self.held_target[:_SAMPLES]

    def new_metric(self) -> Metric | SourceMetric:
        """Return a metric that has seen nothing."""
        metric: Metric | SourceMetric = resolve_factory(self.metric)(config=self.metric_config)
        return metric


def open_session(plan: Plan, registry: Registry) -> Session:
    """Build data first (its errors are the commonest), then networks and recipe. Raises `GantoolError`."""
    settings = plan.settings
    accelerator = make_accelerator(settings.device, settings.precision)
    set_seed(settings.seed)
    domains = _make(registry, "dataset", plan.dataset)
    source, target, preprocess = prepare(domains, plan.preprocess)
    feeds = _open_feeds(source, target, settings, accelerator)
    sample, held_source, held_target = _hold(feeds, (source, target))
    record = registry.recipe(plan.recipe.component).component
    assert isinstance(record, Recipe)
    parts = _make_parts(plan, record, registry, channels=sample.shape[1])
    recipe: TrainingRecipe = _make(registry, "recipe", plan.recipe, parts=parts)
    recipe.setup(
        Setup(
            accelerator=accelerator,
            sample=sample,
            channels_last=settings.channels_last,
            length=recipe.length(settings.steps),
            compile=settings.compile,
        )
    )
    metric = registry.find("metric", plan.metric.component)
    return Session(
        accelerator=accelerator,
        recipe=recipe,
        draws=Draws(*feeds),
        recorded=_recorded(plan, record, preprocess, sample),
        metric=metric,
        metric_config=validate(metric.component.options, plan.metric.options, where="metric."),
        held_source=held_source,
        held_target=held_target,
        summary=_summary(source, target, sample, accelerator.device),
    )


def _open_feeds(
    source: Domain | StreamingDomain, target: Domain | StreamingDomain, settings: RunSettings, accelerator: Accelerator
) -> tuple[Feed, Feed]:
    share = Share(
        seed=settings.seed,
        batch_size=settings.batch_size,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
        device=accelerator.device,
    )
    # Seeds apart, so that domains of one size are not drawn in one order.
    other = replace(share, seed=share.seed + 2**32)
    return (
        open_feed(source, share, cache_gib=settings.cache_gib, workers=settings.workers, what="synthetic"),
        open_feed(target, other, cache_gib=settings.cache_gib, workers=settings.workers, what="real"),
    )


def _hold(feeds: tuple[Feed, Feed], domains: tuple[Domain | StreamingDomain, ...]) -> tuple[torch.Tensor, ...]:
    """A source batch, then the first images of both feeds, equally many, none twice. The feeds stay where they are."""
    firsts = [feed.next() for feed in feeds]
    counts = [len(domain) for domain in domains if isinstance(domain, Domain)]
    count = min(_SELECTION, max(_SAMPLES, _SELECTION_VALUES // firsts[0][0].numel()), *counts)
    batches = -(-count // len(firsts[0]))
    held = [
        torch.cat([first, *(feed.next() for _ in range(batches - 1))])[:count] for feed, first in zip(feeds, firsts, strict=True)
    ]
    for feed in feeds:
        feed.drawn = 0
    return firsts[0], *held


def _summary(
    source: Domain | StreamingDomain, target: Domain | StreamingDomain, images: torch.Tensor, device: torch.device
) -> str:
    counts = [str(len(domain)) if isinstance(domain, Domain) else "endless" for domain in (source, target)]
    channels, height, width = images.shape[1:]
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels}-channel")
    return f"{counts[0]} synthetic and {counts[1]} real images, {height}x{width} px, {kind}, on {device}"


def _make(registry: Registry, kind: str, part: Part, **arguments: Any) -> Any:
    provided = registry.recipe(part.component) if kind == "recipe" else registry.find(kind, part.component)
    config = validate(provided.component.options, part.options, where=f"{kind}.")
    try:
        return resolve_factory(provided)(config=config, **arguments)
    except ValueError as error:
        raise GantoolError(f"{provided.full_name}: {error}") from None


def _make_parts(plan: Plan, record: Recipe, registry: Registry, *, channels: int) -> dict[str, Any]:
    arguments: dict[str, dict[str, Any]] = {
        "generator": {"in_channels": channels, "out_channels": channels},
        "discriminator": {"in_channels": channels},
    }
    parts = {}
    for number, slot in enumerate(record.slots):
        extra = arguments.get(slot.kind, {})
        if slot.kind == "buffer":
            # A generator of its own, so that what it draws does not depend on who else draws.
            extra = {"generator": torch.Generator().manual_seed(plan.settings.seed + 1000 * (number + 1))}
        parts[slot.name] = _make(registry, slot.kind, plan.parts[slot.name], **extra)
    return parts


def _recorded(plan: Plan, record: Recipe, preprocess: Preprocess, sample: torch.Tensor) -> Recorded:
    # The network that a recipe hands over is the one in its first generator slot.
    generator = next(plan.parts[slot.name] for slot in record.slots if slot.kind == "generator")
    channels, height, width = sample.shape[1:]
    return Recorded(
        component=generator.component,
        options=generator.options,
        in_channels=channels,
        out_channels=channels,
        preprocess=preprocess,
        trained_size=(height, width),
    )
