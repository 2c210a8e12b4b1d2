"""Two domains, as they are stored, to two domains of one shape and type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from ..components import Domain, Domains, StreamingDomain
from ..errors import GantoolError
from .conditions import Conditions, Encoder, passes_of
from .domains import Preprocess, name_of
from .images import Form, Images, row_names
from .order import stream_rows
from .patches import Patch, check_holds, choose_patch, count_patches
from .preprocess import full_scale

_NONE: Conditions = MappingProxyType({})
WIDTHS = ("uint8", "uint16", "float32")
"""Types of images, the narrowest first."""


@dataclass(frozen=True, kw_only=True)
class _Form:
    """What images of a domain come to."""

    dtype: np.dtype
    channels: int
    size: tuple[int, int] | None
    """Of all images, height and width (px); None where they are of any size that holds a patch."""
    patch: Patch | None = None
    """Of the crops that are drawn of them."""

    def check(self, image: np.ndarray, name: str, otherwise: str) -> np.ndarray:
        """Return an image. Raises `GantoolError`, `otherwise` saying what to do, for one of another form."""
        wanted = (*(self.size or image.shape[:2]), self.channels)
        if image.shape != wanted:
            raise GantoolError(f"{name} is {_by(image.shape)}, {otherwise.format(_by(wanted))}")
        if self.patch:
            check_holds((image.shape[0], image.shape[1]), self.patch, name)
        return image


class Prepared:
    """A domain with the preprocessing done to each image as it is read."""

    def __init__(
        self, domain: Domain, preprocess: Preprocess, form: _Form, sizes: Sequence[tuple[int, int]], conditions: Conditions
    ) -> None:
        self.patch = form.patch
        self.patches = len(domain)
        """How many different crops there are at least, or images."""
        if form.patch:
            each = [count_patches(size, form.patch) for size in sizes]
            self.patches = sum(each) + (len(domain) - len(each)) * min(each)
        self.conditions = conditions
        """What comes along with an image."""
        # Asking shards for their passes means reading their headers.
        self._passes: Any = passes_of(domain) if conditions else None
        self._encode = Encoder(conditions, getattr(self._passes, "passes", {}), preprocess)
        bytes_of_a_pixel = form.channels * form.dtype.itemsize + 2 * self._encode.channels
        self.largest = max(height * width for height, width in sizes) * bytes_of_a_pixel
        """Bytes of the largest image that is known, its conditions among them."""
        self.sizes = "x".join(map(str, sizes[0])) if len(set(sizes)) == 1 else f"of {len(set(sizes))} sizes"
        """In words."""
        self._form = form
        self.name, self.names = _names(domain)
        self.labels: Mapping[str, np.ndarray] = getattr(domain, "labels", {})
        self.told: list[str] = getattr(domain, "told", [])
        self._domain, self._preprocess = domain, preprocess

    def __len__(self) -> int:
        return len(self._domain)

    def __getitem__(self, index: int) -> np.ndarray:
        """(H, W, C). Raises `GantoolError` where the image is damaged or unlike what its header said."""
        return self._prepare(self._domain[index], self.names[index])

    def frame(self, index: int) -> tuple[np.ndarray, ...]:
        """(H, W, C) and, where there are conditions, (H, W, K) float16, as `Encoder` makes them. Raises as `__getitem__`."""
        stored, name = self._domain[index], self.names[index]
        image = self._prepare(stored, name)
        if not self.conditions:
            return (image,)
        return image, self._encode(partial(self._passes.read_pass, index), stored.shape[:2], name)

    def block(self, start: int, stop: int) -> list[np.ndarray]:
        """Images `start` to `stop`, at once where the domain can. Raises as `__getitem__`."""
        read = getattr(self._domain, "block", None)
        images = read(start, stop) if read else [self._domain[index] for index in range(start, stop)]
        return [self._prepare(image, self.names[index]) for index, image in enumerate(images, start)]

    def _prepare(self, image: np.ndarray, name: str) -> np.ndarray:
        image = widen(self._preprocess(image, name=name), self._form.dtype)
        return self._form.check(image, name, "the others are {}: did it change meanwhile?")


class PreparedStream:
    """As `Prepared`, without random access."""

    def __init__(self, domain: StreamingDomain, preprocess: Preprocess, form: _Form) -> None:
        self.name, _ = _names(domain)
        self.patch, self.sizes = form.patch, "larger than a patch"
        self._domain, self._preprocess, self._form = domain, preprocess, form

    def stream(self, *, seed: int, skip: int) -> Iterator[np.ndarray]:
        """Raises `GantoolError` where images differ in shape."""
        return self.stream_rows(seed=seed, skip=skip, rows=range(1), of=1)

    def stream_rows(self, *, seed: int, skip: int, rows: range, of: int) -> Iterator[np.ndarray]:
        """Other images are not prepared. Raises as `stream`."""
        for image in stream_rows(self._domain, seed=seed, skip=skip, rows=rows, of=of):
            name = f"an image of {self.name}"
            # Only the first image of a stream was looked at.
            prepared = widen(self._preprocess(image, name=name), self._form.dtype)
            yield self._form.check(prepared, name, "the first one {}: pass --size HxW or --patch HxW")


@dataclass(frozen=True)
class _Found:
    """A form that occurs in one of the domains."""

    form: Form
    name: str
    """Of the first image that has it."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width (px)."""
        return self.form.height, self.form.width

    @property
    def colours(self) -> int:
        """Channels without alpha."""
        return self.form.channels - (self.form.channels in (2, 4))


def prepare(
    domains: Domains, preprocess: Preprocess, patch: Literal["auto", "off"] | Patch = "off", conditions: Conditions = _NONE
) -> tuple[Prepared | PreparedStream, Prepared | PreparedStream, Preprocess]:
    """Return source and target with the preprocessing done lazily, and `preprocess` with its channels settled.

    Where bit depths differ, all images get the widest (8 bits are scaled to 16 by 257). Only headers are read here. `patch`: of
    the crops that will be drawn; whole images come out here, and may then differ in size. `conditions`: those of the source, as
    `conditions.choose` found them. Raises `GantoolError`, one line: sizes
    that differ without `size`, an image smaller than the crop or the patch, channels that do not go together, an image whose
    header cannot be read.
    """
    both: tuple[Domain | StreamingDomain, ...] = (domains.source, domains.target)
    surveyed = [_survey(domain) for domain in both]
    found = [item for items in surveyed for item in items]
    resolved = replace(preprocess, channels=_channels(found, preprocess.channels))
    chosen = choose_patch(patch, (item.size for item in found), resized=preprocess.size is not None)
    form = _Form(
        dtype=np.dtype(max((item.form.dtype for item in found), key=WIDTHS.index)),
        channels=int(resolved.channels),
        size=None if chosen and preprocess.size is None else _size(found, preprocess),
        patch=chosen,
    )
    if chosen:
        for item in found:
            check_holds(form.size or item.size, chosen, item.name)

    def wrap(domain: Domain | StreamingDomain, own: Preprocess, items: list[_Found]) -> Prepared | PreparedStream:
        if isinstance(domain, Domain):
            seen = conditions if domain is domains.source else _NONE
            return Prepared(domain, own, form, [form.size or item.size for item in items], seen)
        return PreparedStream(domain, own, form)

    source, target = map(wrap, both, (resolved, resolved.of_real), surveyed)
    return source, target, resolved


def widen(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Scale an image to a type that is at least as wide: white stays white."""
    if image.dtype == dtype:
        return image
    wide: np.ndarray = image.astype(dtype)
    if dtype.kind == "f":
        wide /= full_scale(image.dtype)
    else:
        wide *= 257
    return wide


def _survey(domain: Domain | StreamingDomain) -> list[_Found]:
    name, names = _names(domain)
    if not isinstance(domain, Domain):
        return [_Found(_form_of(next(iter(domain.stream(seed=0, skip=0))), f"an image of {name}"), name)]
    if not len(domain):
        raise GantoolError(f"{name} has no images")
    if isinstance(domain, Images):
        return [_Found(form, names[index]) for form, index in domain.forms().items()]
    return [_Found(_form_of(domain[0], names[0]), names[0])]


def _form_of(image: object, name: str) -> Form:
    if not isinstance(image, np.ndarray) or image.ndim != 3 or str(image.dtype) not in WIDTHS:
        is_ = f"{_by(image.shape)} {image.dtype}" if isinstance(image, np.ndarray) else f"a {type(image).__name__}"
        raise GantoolError(f"{name} is {is_}; a data set must give arrays (H, W, C) of {', '.join(WIDTHS)}")
    height, width, channels = image.shape
    return Form(height, width, channels, str(image.dtype))


def _names(domain: Domain | StreamingDomain) -> tuple[str, Sequence[str]]:
    name = name_of(domain)
    return name, getattr(domain, "names", None) or row_names(name, len(domain) if isinstance(domain, Domain) else 0)


def _channels(found: list[_Found], wanted: int | str) -> int:
    if isinstance(wanted, int):
        for item in found:
            if wanted not in (item.form.channels, item.colours) and {wanted, item.colours} != {1, 3}:
                raise GantoolError(f"--channels {wanted}: {item.name} has {item.form.channels} channels")
        return wanted
    first = {item.colours: item for item in reversed(found)}
    if set(first) in ({1, 3}, {1}):
        return 1
    if len(first) > 1:
        (a, in_a), (b, in_b) = list(first.items())[:2]
        raise GantoolError(f"channels differ: {in_a.name} has {a}, {in_b.name} has {b}: pass --channels, or convert one")
    return next(iter(first))


def _size(found: list[_Found], preprocess: Preprocess) -> tuple[int, int]:
    if preprocess.size is None:
        a = found[0]
        for b in found:
            if a.size != b.size:
                what = f"{a.name} is {a.form.size}, {b.name} is {b.form.size}"
                raise GantoolError(f"sizes differ: {what}: pass --size HxW, or --patch HxW to train on crops")
        return a.size
    height, width = preprocess.size
    for item in found:
        if preprocess.fit == "crop" and (item.form.height < height or item.form.width < width):
            raise GantoolError(f"{item.name} is {item.form.size}, smaller than the crop of {height}x{width}")
    return height, width


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
