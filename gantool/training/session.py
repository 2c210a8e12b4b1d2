"""Builds everything a plan names: device, data, networks, recipe."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import set_seed

from ..components import Batch, Channels, Domain, Figure, Recipe, ReplayBuffer, Setup, Slot, StreamingDomain, TrainingRecipe
from ..compute.launch import Launch
from ..compute.processes import SharedBuffer, Team, open_team
from ..data.conditions import Condition, choose
from ..data.domains import Preprocess
from ..data.inspection.measure import equalisation_residual, luminance
from ..data.inspection.review import compare_equalisation
from ..data.inspection.survey import equalised_share
from ..data.order import real_seed
from ..data.prepare import Prepared, PreparedStream, prepare
from ..data.value_range import settle_range
from ..errors import GantoolError
from ..kinds import KINDS
from ..model.bundle import Recorded
from ..model.tensors import eight_bits
from ..noise import noise_channels
from ..plan.resolve import Plan, generator_slot
from ..plan.settings import RunSettings
from ..plugins.registry import Part
from .content import Content, open_content
from .draws import Draws, dropped_rows, noise_of
from .feeds import Feed, Share, first_labels, open_feed

_ALONE = Launch()
_LOOKED_AT = 64
"""Images of each domain whose looks are compared."""
_SAMPLES = 16
"""Images of each domain on a sample sheet."""
_SELECTION = 256
"""Images of each domain that the metric sees, fewer where they are large."""
_SELECTION_VALUES = 2**26
"""Values (height × width × channels) in them: 256 MiB of each domain in float32."""


@dataclass(kw_only=True)
class Session:
    """A plan, built."""

    team: Team
    plan: Plan
    """With all settled that depends on the data."""
    recipe: TrainingRecipe
    draws: Draws
    recorded: Recorded
    """Describes the generator for `config.json`, all but the step."""
    metric: Part
    held_source: torch.Tensor
    """Fixed synthetic images for sheets and metric, (N, C, H, W) in [-1, 1]."""
    held_conditions: Mapping[str, torch.Tensor]
    """Of the synthetic ones, as `Batch` has them."""
    held_target: torch.Tensor
    """Fixed real images likewise."""
    held_labels: Sequence[Mapping[str, Any]] | None
    """Of the synthetic ones, where the metric asks for them and they are there."""
    fingerprints: dict[str, dict[str, str]]
    """Of the images, by "synthetic" and "real": as long as they stay, a resumed run draws what it would have drawn."""
    figures: tuple[Figure, ...]
    """The recipe's headline figures."""
    content: Content | None
    """Which real patches go with which synthetic ones, where the run matches them."""
    summary: str
    """One line for the user: how many images of which form, on which device."""

    @property
    def sheet_images(self) -> tuple[Batch, torch.Tensor]:
        """The synthetic and real images of sample sheets."""
        return self.held(slice(_SAMPLES)), self.held_target[:_SAMPLES]

    def held(self, rows: slice) -> Batch:
        """Some of the fixed synthetic images, and what goes with them."""
        conditions = {name: values[rows] for name, values in self.held_conditions.items()}
        return Batch(self.held_source[rows], conditions, None if self.held_labels is None else self.held_labels[rows])


def meet(settings: RunSettings, launch: Launch = _ALONE) -> Team:
    """Find the device of this process and the others of the run. Raises `GantoolError` where they cannot share a batch."""
    own, rest = divmod(settings.batch_size, launch.count)
    if rest:
        raise GantoolError(
            f"--batch-size {settings.batch_size} cannot be shared by {launch.count} processes: pass a multiple of {launch.count}"
        )
    if own % settings.accumulate:
        raise GantoolError(f"--accumulate {settings.accumulate} does not divide the {own} images of each process")
    return open_team(launch, device=settings.device, precision=settings.precision, timeout=settings.timeout)


def open_session(plan: Plan, team: Team | None = None, folder: Path | None = None) -> Session:
    """Build data first (its errors are the commonest), then networks and recipe. Raises `GantoolError`.

    `team`: the processes that share the run; called by all of them. `folder`: of the run, with what was found out about its data.
    """
    settings = plan.settings
    record = plan.recipe.provided.record
    assert isinstance(record, Recipe)
    team = team or meet(settings)
    # The same in all processes, so that they build the same networks.
    set_seed(settings.seed)
    with team.together():
        if settings.accumulate > 1 and "accumulates" not in record.provides:
            raise GantoolError(f"--accumulate: {plan.recipe.component} cannot; leave it out, or pass a smaller --batch-size")
        domains = plan.dataset.build()
        ranged, range_told = settle_range(domains, plan.preprocess)
        plan = replace(plan, preprocess=ranged)
        conditions = choose(settings.conditions, domains.source)
        source, target, preprocess = prepare(domains, ranged, settings.patch, conditions)
        settings = replace(settings, patch=source.patch or "off")
        content = open_content(settings, source, target, folder)
        feeds = _open_feeds((source, target), settings, team, content, labels="sees-labels" in record.provides)
        count, firsts = _draw_first(feeds, (source, target), settings.batch_size)
    sample, held_source, held_target = _hold(firsts, count, team)
    channels = Channels(sample.shape[1], {name: found.channels for name, found in conditions.items()})
    recipe = _build_recipe(plan, record, sample, channels, team)
    return Session(
        team=team,
        plan=replace(plan, settings=settings),
        recipe=recipe,
        draws=_draws(feeds, recipe, settings, team),
        recorded=_recorded(plan, record, preprocess, channels, conditions, None if source.patch else (*sample.shape[2:],)),
        metric=plan.metric,
        held_source=held_source.images,
        held_conditions=held_source.conditions,
        held_target=held_target.images,
        held_labels=_held_labels(plan, source, count),
        fingerprints={"synthetic": _fingerprint(source, held_source.images), "real": _fingerprint(target, held_target.images)},
        figures=record.figures,
        content=content,
        summary=_summary(source, target, sample, team)
        + _patches(plan, source, target)
        + "".join(f"\n{text}" for text in (range_told, content and content.told) if text)
        + _seen(conditions),
    )


def _build_recipe(plan: Plan, record: Recipe, sample: torch.Tensor, channels: Channels, team: Team) -> TrainingRecipe:
    with team.together():
        parts = {name: _shared(part, team) for name, part in _make_parts(plan, record, channels).items()}
        recipe: TrainingRecipe = plan.recipe.build(parts=parts)
    with warnings.catch_warnings():
        # torch 2.13 has a new name for an option that accelerate knows by the old one only.
        warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
        recipe.setup(
            Setup(
                accelerator=team.accelerator,
                sample=sample,
                channels_last=plan.settings.channels_last,
                length=recipe.length(plan.settings.steps),
                compile=plan.settings.compile,
                accumulate=plan.settings.accumulate,
            )
        )
    if team.rank:
        # From here on each draws for its own images (dropout, say).
        set_seed(own_seed(plan.settings.seed, team.rank))
    return recipe


def looks_apart(source: torch.Tensor, target: torch.Tensor) -> list[str]:
    """Say what to know of images (N, C, H, W) in [-1, 1], as they are trained on; nothing where all is well.

    A generator learns any difference. If only one domain is histogram-equalised, that is nearly all it learns, and shapes give
    way before tones do.
    """
    shares = (
        equalised_share(equalisation_residual(luminance(image)) for image in eight_bits(images[:_LOOKED_AT]))
        for images in (source, target)
    )
    return [f"{found.text}, and that is what will be learned first: {found.advice}" for found in compare_equalisation(*shares)]


def own_seed(seed: int, rank: int) -> int:
    """Return the seed of one process: far from those of others, below 2³²."""
    return (seed + 0x9E3779B1 * rank) % 2**32


def _share(settings: RunSettings, team: Team) -> Share:
    return Share(
        seed=settings.seed,
        batch_size=settings.batch_size // team.count,
        rank=team.rank,
        world_size=team.count,
        device=team.accelerator.device,
    )


def _open_feeds(
    domains: Iterable[Prepared | PreparedStream], settings: RunSettings, team: Team, content: Content | None, *, labels: bool
) -> list[Feed]:
    share = _share(settings, team)
    follows = (content.matches, share) if content else None
    sides = (share, "synthetic"), (replace(share, seed=real_seed(share.seed), follows=follows), "real")
    return [
        open_feed(domain, own, cache_gib=settings.cache_gib, workers=settings.workers, what=what, labels=labels)
        for domain, (own, what) in zip(domains, sides, strict=True)
    ]


def _draw_first(
    feeds: list[Feed], domains: tuple[Prepared | PreparedStream, ...], batch_size: int
) -> tuple[int, list[list[Batch]]]:
    """How many images of each domain are held, none twice, and this process's share of the batches that have them. The feeds
    stay where they are."""
    firsts = [feed.next() for feed in feeds]
    counts = [domain.patches for domain in domains if isinstance(domain, Prepared)]
    count = min(_SELECTION, max(_SAMPLES, _SELECTION_VALUES // firsts[0].images[0].numel()), *counts)
    more = -(-count // batch_size) - 1
    drawn = [[first, *(feed.next() for _ in range(more))] for feed, first in zip(feeds, firsts, strict=True)]
    for feed in feeds:
        feed.drawn = 0
    return count, drawn


def _draws(feeds: Sequence[Feed], recipe: TrainingRecipe, settings: RunSettings, team: Team) -> Draws:
    share, planes = _share(settings, team), noise_channels(recipe.generator())
    return Draws(feeds[0], feeds[1], dropped_rows(share, settings.condition_dropout), noise_of(share, planes))


def _hold(drawn: list[list[Batch]], count: int, team: Team) -> tuple[torch.Tensor, Batch, Batch]:
    """A source batch, then the first `count` images of both domains: the same in all processes, whatever their number."""

    def held(batches: list[Batch]) -> Batch:
        def of(values: Iterable[torch.Tensor]) -> torch.Tensor:
            return torch.cat([team.gather_images(each) for each in values])[:count]

        named = {name: of(batch.conditions[name] for batch in batches) for name in batches[0].conditions}
        return Batch(of(batch.images for batch in batches), named)

    source, target = map(held, drawn)
    return team.gather_images(drawn[0][0].images), source, target


def _held_labels(plan: Plan, source: Domain | StreamingDomain, count: int) -> Sequence[Mapping[str, Any]] | None:
    wanted = "sees-labels" in plan.metric.provided.record.provides
    if not (wanted and isinstance(source, Domain) and getattr(source, "labels", None)):
        return None
    return first_labels(source, count, seed=plan.settings.seed)


def _fingerprint(domain: Domain | StreamingDomain, held: torch.Tensor) -> dict[str, str]:
    """The number of images, and a digest of those held in 8 bits: the same on every device."""
    return {"count": _count(domain), "digest": hashlib.sha256(eight_bits(held).tobytes()).hexdigest()}


def _count(domain: Domain | StreamingDomain) -> str:
    return str(len(domain)) if isinstance(domain, Domain) else "endless"


def _summary(source: Prepared | PreparedStream, target: Prepared | PreparedStream, images: torch.Tensor, team: Team) -> str:
    channels, height, width = images.shape[1:]
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels}-channel")
    where = str(team.accelerator.device) if team.count == 1 else f"{team.accelerator.device.type} in {team.count} processes"
    told = [f"\n{line}" for domain in (source, target) for line in getattr(domain, "told", ())]
    of = "patches of " if source.patch else ""
    what = f"{_count(source)} synthetic and {_count(target)} real images, {of}{height}x{width} px, {kind}, on {where}"
    return f"{what}{''.join(told)}"


def _seen(conditions: Mapping[str, Condition]) -> str:
    """What to say of conditions."""
    named = (f"{name} ({found})" if name != str(found) else name for name, found in conditions.items())
    return f"\nseen beside the synthetic images: {', '.join(named)}" if conditions else ""


def _patches(plan: Plan, source: Prepared | PreparedStream, target: Prepared | PreparedStream) -> str:
    """What to say of patches that nobody asked for, or that are cut from what is not as it is stored."""
    if not source.patch:
        return ""
    sizes, patch = " and ".join(dict.fromkeys((source.sizes, target.sizes))), "x".join(map(str, source.patch))
    if plan.preprocess.size is not None:
        return f"\npictures are brought to {sizes} (--size), and patches of {patch} cut from that"
    if plan.settings.patch != "auto":
        return ""
    return f"\npictures are {sizes}: training on patches of {patch}; --size trains on whole pictures"


def _make_parts(plan: Plan, record: Recipe, channels: Channels) -> dict[str, Any]:
    refines = generator_slot(record)

    def make(number: int, slot: Slot) -> Any:
        # A generator of its own, so that what a buffer draws does not depend on who else draws.
        generator = torch.Generator().manual_seed(plan.settings.seed + 1000 * number)
        has = {"channels": channels if slot == refines else Channels(channels.images), "generator": generator}
        return plan.parts[slot.name].build(**{name: has[name] for name in KINDS[slot.kind].arguments or ()})

    return {slot.name: make(number, slot) for number, slot in enumerate(record.slots, 1)}


def _shared(part: Any, team: Team) -> Any:
    # A buffer that has no state remembers nothing, so each process may have its own.
    return SharedBuffer(part, team) if team.count > 1 and isinstance(part, ReplayBuffer) and part.state_dict() else part


def _recorded(
    plan: Plan,
    record: Recipe,
    preprocess: Preprocess,
    channels: Channels,
    conditions: Mapping[str, Condition],
    size: tuple[int, int] | None,
) -> Recorded:
    generator = plan.parts[generator_slot(record).name]
    return Recorded(
        component=generator.component,
        options=generator.options,
        channels=channels,
        conditions=dict(conditions),
        preprocess=preprocess,
        trained_size=size,
    )
