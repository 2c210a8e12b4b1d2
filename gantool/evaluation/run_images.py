"""The images of a trained run, as its network saw them: synthetic, refined, real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..components import Domain, Domains, StreamingDomain
from ..data.conditions import Encoder, HasPasses, passes_of
from ..data.domains import Preprocess, name_of
from ..data.images import Images
from ..data.order import uniforms
from ..data.patches import cut
from ..data.prepare import Prepared, PreparedStream, prepare
from ..model.bundle import Bundle, open_bundle
from ..model.tensors import normalise, to_tensor
from ..plan.resolve import resolve
from ..plugins.registry import load_plugins
from ..refining.network import Network
from ..runs.folder import read_choices
from .held import HeldImages
from .reading import ReadImages
from .sources import Sources

_BATCH, _PIXELS = 64, 2**20
"""Images, and pixels, that are refined at once."""
_CROP = (256, 256)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Some images of one domain."""

    images: torch.Tensor
    """(N, C, H, W) float32 in [-1, 1], on the CPU."""
    names: tuple[str, ...]
    """Where each comes from."""

    def __len__(self) -> int:
        return len(self.names)


class RunImages:
    """The two domains of a run and its network.

    Args:
        run: A run folder.
        checkpoint: As `gantool.load`.
        synthetic: Images in place of the run's own synthetic ones: a folder, .npz or .h5.
        real: Images in place of the run's own real ones.
        device: As `gantool refine --device`.

    All images are brought to the size and channels that the run was trained at. Of a run on patches, they are crops at their own
    resolution, each from a place of its own: 256x256, or as large as the smallest image of either domain. Raises `GantoolError`.
    """

    def __init__(
        self,
        run: Path,
        *,
        checkpoint: str | int | None = None,
        synthetic: str | Path | None = None,
        real: str | Path | None = None,
        device: str = "auto",
    ) -> None:
        choices = read_choices(run)
        plan = resolve(load_plugins(), choices)
        self.bundle: Bundle = open_bundle(run, checkpoint)
        self._network = Network(self.bundle, device)
        sources = Sources(plan, synthetic=synthetic, real=real)
        trained, preprocess = choices.settings.get("patch", "off"), self.bundle.preprocess
        self.crops: bool = trained not in ("auto", "off") and preprocess.size is None
        """Whether every image is a crop of one."""
        self.size: tuple[int, int] = _smallest(sources) if self.crops else common_size(self.bundle, sources.source)
        """(H, W) in pixels of every image."""
        self.trained: tuple[int, int] = tuple(trained) if self.crops else self.size
        """(H, W) in pixels of what the networks saw."""
        whole = replace(preprocess, size=None if self.crops else self.size)
        self.synthetic, self.real, _ = prepare(sources, whole, self.size if self.crops else "off")

    def refine(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) in [-1, 1] to the same, refined."""
        return refine_all(self._network, images)


def common_size(bundle: Bundle, synthetic: Domain | StreamingDomain) -> tuple[int, int]:
    """(H, W) that all images are brought to where they are compared: that of training, or of the first image if any was fine."""
    if (size := bundle.trained_size or bundle.preprocess.size) is not None:
        return size
    first = synthetic[0] if isinstance(synthetic, Domain) else next(iter(synthetic.stream(seed=0, skip=0)))
    return first.shape[0], first.shape[1]


def _smallest(domains: Domains) -> tuple[int, int]:
    """(H, W) of crops that every image holds, as far as is known without decoding it."""
    sizes = [_CROP]
    for domain in (domains.source, domains.target):
        if isinstance(domain, Images):
            sizes += [(form.height, form.width) for form in domain.forms()]
        else:
            first = domain[0] if isinstance(domain, Domain) else next(iter(domain.stream(seed=0, skip=0)))
            sizes.append(first.shape[:2])
    return min(height for height, _ in sizes), min(width for _, width in sizes)


def _cut(domain: Prepared | PreparedStream, image: np.ndarray, seed: int, number: int) -> np.ndarray:
    """Return the crop that is shown of an image; the image itself where whole images are."""
    crop, place = cut(image, domain.patch, uniforms(np.array([number]), seed=seed)[0])
    return image if place is None else crop.copy()  # which lets the image go


Known = Callable[[int], np.ndarray]
"""From the number of an image to what the network sees of its passes, (h, w, K)."""


def known_of(bundle: Bundle, domain: Domain, images: ReadImages, preprocess: Preprocess) -> Known | None:
    """Return what gives the passes of images that were read; None where the run saw none, or there are none."""
    passes = passes_of(domain)
    if not (bundle.conditions and isinstance(passes, HasPasses) and passes.passes):
        return None
    encode = Encoder(bundle.conditions, passes.passes, preprocess)

    def known(number: int) -> np.ndarray:
        row, (height, width) = int(images.rows[number]), images.sizes[number].tolist()
        return encode(partial(passes.read_pass, row), (height, width), f"image {row} of {name_of(domain)}")

    return known


def refine_held(
    network: Network, images: HeldImages, known: Known | None = None, *, say: Callable[[int], None] = lambda _: None
) -> HeldImages:
    """Refine images as `gantool refine` does: each at its own size, the change added to what is stored, rounded to its type.

    `known`: what the network sees beside them. `say` is told after each batch how many are done. Raises `GantoolError`.
    """
    found: list[Any] = [None] * len(images)
    done = 0
    for rows in images.batches(_PIXELS, _BATCH):
        stored = [images[row] for row in rows]
        seen = [known(int(row)) for row in rows] if known else ()
        for row, image, change in zip(rows, stored, network.change(stored, seen), strict=True):
            full = np.iinfo(image.dtype).max
            found[row] = np.rint(image + change.transpose(1, 2, 0) * (full / 2)).clip(0, full).astype(image.dtype)
        done += len(rows)
        say(done)
    return HeldImages(found)


def refine_all(network: Network, images: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) in [-1, 1] to the same, refined, clipped to what an image file holds. Raises `GantoolError`."""
    batch = max(1, min(_BATCH, _PIXELS // (images.shape[2] * images.shape[3])))
    stored = (part.permute(0, 2, 3, 1).add(1).div(2).contiguous().numpy() for part in torch.split(images, batch))
    return torch.from_numpy(np.concatenate([network(list(part)) for part in stored])).clamp(-1, 1)


def draw(domain: Prepared | PreparedStream, count: int, *, seed: int) -> Drawn:
    """Draw `count` images (all, where there are fewer), none twice. Raises `GantoolError` for one that cannot be read."""
    if isinstance(domain, PreparedStream):
        stacked = [_cut(domain, image, seed, row) for row, image in enumerate(islice(domain.stream(seed=seed, skip=0), count))]
        names = [f"{domain.name} (image {number} of its stream)" for number in range(len(stacked))]
    else:
        picked = np.random.default_rng(seed).permutation(len(domain))[:count]
        stacked = [_cut(domain, domain[int(index)], seed, int(index)) for index in picked]
        names = [domain.names[int(index)] for index in picked]
    return Drawn(images=normalise(to_tensor(np.stack(stacked))).contiguous(), names=tuple(names))
