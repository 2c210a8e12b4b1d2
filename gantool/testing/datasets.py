"""Checks of data sets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch

from ..components import Domain, StreamingDomain
from ..data.domains import Preprocess
from ..data.images import Images
from ..data.prepare import prepare
from ..errors import GantoolError, raised
from .subject import Subject

_DTYPES = ("uint8", "uint16", "float32")
_SOME = 8
"""Images of a domain that are looked at."""
_STREAMED = 24


def check_has_two_domains(subject: Subject) -> None:
    """`source` and `target` are each map-style or streaming."""
    for side, domain in _sides(subject):
        subject.require(
            isinstance(domain, Domain | StreamingDomain),
            f"{side} is a {type(domain).__name__}, which has neither __len__ and __getitem__ nor stream",
        )
        subject.require(
            side != "test" or bool(getattr(domain, "labels", None)), "test has no labels; it is there to be measured on"
        )


def check_says_what_is_missing(subject: Subject) -> None:
    """Where its defaults name no data, it says so in one line that is for the user."""
    factory, options = subject.factory(), subject.provided.record.options
    try:
        factory(config=options())
    except GantoolError as error:
        subject.require("\n" not in str(error), "without data it raises GantoolError of several lines; users get one")
    except Exception as error:
        raise subject.fault(
            f"with its defaults it raised {raised(error)}; where data is missing it must raise "
            "gantool.GantoolError with one line that says what to give"
        ) from error


def check_images_are_of_one_form(subject: Subject) -> None:
    """Images are (H, W, C) uint8, uint16 or float32 in [0, 1], all of one shape and dtype."""
    for side, domain in _sides(subject):
        first = None
        for index, image in _some(subject, side, domain):
            where = f"{side}[{index}]"
            subject.require(isinstance(image, np.ndarray), f"{where} is a {type(image).__name__}, not a numpy array")
            subject.require(image.ndim == 3, f"{where} has shape {image.shape}, not (H, W, C)")
            subject.require(str(image.dtype) in _DTYPES, f"{where} is {image.dtype}, not {', '.join(_DTYPES)}")
            if isinstance(domain, Images):  # images as they are stored, which the host brings to one form
                continue
            low, high = float(image.min()), float(image.max())
            subject.require(
                image.dtype.kind != "f" or (low >= 0 and high <= 1),
                f"{where} has values from {low:.3g} to {high:.3g}, not in [0, 1]",
            )
            first = image if first is None else first
            subject.require(
                image.shape == first.shape and image.dtype == first.dtype,
                f"{where} is {image.shape} {image.dtype}, {side}[0] is {first.shape} {first.dtype}",
            )


def check_an_item_is_always_the_same(subject: Subject) -> None:
    """Item i is the same image every time, in any order, and when the data set is built again."""
    torch.manual_seed(0)
    np.random.seed(0)
    again = dict(_sides(subject))
    for side, domain in _map_style(subject):
        first = [(index, image.copy()) for index, image in _some(subject, side, domain)]
        for index, image in reversed(first):
            for what, other in (("read twice", domain[index]), ("of the data set built twice", again[side][index])):
                subject.require(np.array_equal(image, other), f"{side}[{index}] {what} gives two different images")


def check_labels_have_a_row_per_image(subject: Subject) -> None:
    """Every array of `labels` has as many rows as there are images."""
    for side, domain in _sides(subject):
        count = len(domain) if isinstance(domain, Domain) else None
        for name, values in getattr(domain, "labels", {}).items():
            subject.require(
                len(values) == count, f"the label {name!r} of {side} has {len(values)} rows, there are {count} images"
            )


def check_blocks_are_their_items(subject: Subject) -> None:
    """`block(start, stop)`, where there is one, gives the images of that range."""
    for side, domain in _map_style(subject):
        stop = min(len(domain), _SOME)
        if read := getattr(domain, "block", None):
            with subject.calling(f"{side}.block(1, {stop})"):
                block = list(read(1, stop))
            subject.require(
                _equal(block, [domain[index] for index in range(1, stop)]),
                f"{side}.block(1, {stop}) is not the images 1 to {stop - 1}",
            )


def check_a_stream_can_be_resumed(subject: Subject) -> None:
    """A stream is a pure function of its seed, has no end, and `skip` leaves out exactly its first images."""
    for side, domain in _sides(subject):
        if isinstance(domain, Domain):
            continue
        with subject.calling(f"{side}.stream"):
            whole = [image.copy() for image in islice(domain.stream(seed=3, skip=0), _STREAMED)]
            torch.manual_seed(1)
            again = list(islice(domain.stream(seed=3, skip=0), _STREAMED))
            rest = list(islice(domain.stream(seed=3, skip=5), _STREAMED - 5))
        subject.require(len(whole) == _STREAMED, f"{side}.stream ends after {len(whole)} images; it must be endless")
        subject.require(_equal(whole, again), f"{side}.stream with one seed gives two orders: it must depend on the seed only")
        subject.require(_equal(whole[5:], rest), f"{side}.stream(skip=5) is not the stream without its first 5 images")


def check_the_host_can_prepare_it(subject: Subject) -> None:
    """The host brings both domains to one form, as it does before training."""
    domains = _domains(subject)
    with subject.calling("preparing it for training"):
        source, target, _ = prepare(domains, Preprocess(size=subject.size))
    for side, domain in (("source", source), ("target", target)):
        for _, image in _some(subject, side, domain):
            subject.require(image.shape[:2] == subject.size, f"{side} cannot be brought to {subject.size}")


CHECKS = {
    "dataset": (
        check_has_two_domains,
        check_says_what_is_missing,
        check_images_are_of_one_form,
        check_an_item_is_always_the_same,
        check_labels_have_a_row_per_image,
        check_blocks_are_their_items,
        check_a_stream_can_be_resumed,
        check_the_host_can_prepare_it,
    )
}


def _domains(subject: Subject) -> Any:
    domains = subject.made()
    for side in ("source", "target"):
        subject.require(hasattr(domains, side), f"what its factory returns has no {side!r}")
    return domains


def _sides(subject: Subject) -> list[tuple[str, Any]]:
    domains = _domains(subject)
    found = [(side, getattr(domains, side, None)) for side in ("source", "target", "test")]
    return [(side, domain) for side, domain in found if domain is not None]


def _map_style(subject: Subject) -> Iterator[tuple[str, Domain]]:
    return ((side, domain) for side, domain in _sides(subject) if isinstance(domain, Domain))


def _some(subject: Subject, side: str, domain: Any) -> list[tuple[int, Any]]:
    """A few images with their numbers, spread over the domain."""
    if not isinstance(domain, Domain):
        with subject.calling(f"{side}.stream(seed=0, skip=0)"):
            return list(enumerate(islice(domain.stream(seed=0, skip=0), _SOME)))
    subject.require(len(domain) > 0, f"{side} has no images")
    numbers = sorted({index * (len(domain) - 1) // (_SOME - 1) for index in range(_SOME)})
    with subject.calling(f"{side}[i]"):
        return [(index, domain[index]) for index in numbers]


def _equal(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
