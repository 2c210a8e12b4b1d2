"""Checks of recipes: each is opened in the host's own session, on random images unless the author names a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from ..components import Batch, Recipe
from ..model.bundle import build_generator
from ..plan.choices import Choices
from ..plan.resolve import Plan, resolve
from ..runs.checkpoints import random_state, set_random_state
from ..runs.state import first_not_finite
from ..training.session import Session, open_session
from .material import finite, first_difference, through_disk, write_domains
from .subject import Subject

_IMAGES = 8
"""Images of each domain, or as many as two batches where that is more."""
_LAST_PHASE = 100_000
"""Calls in which phases are looked for."""


def check_all_presets_resolve(subject: Subject) -> None:
    """Defaults and presets name parts that are installed and fit, options that exist and values that are allowed."""
    record = _record(subject)
    subject.require(
        any(slot.kind == "generator" for slot in record.slots),
        "it has no slot of the kind generator, so nothing can be loaded after training",
    )
    for preset in record.presets or [record.default_preset]:
        with subject.calling(f"resolving the preset {preset!r}" if preset else "resolving its defaults"):
            resolve(subject.registry, Choices(plugin=subject.provided.full_name, preset=preset or None, dataset="gantool:files"))


def check_says_how_long_it_takes(subject: Subject) -> None:
    """`length` grows with the steps asked for, and every call has a phase."""
    with _session(subject) as session:
        lengths = [subject.ask(int, "length", session.recipe.length, steps) for steps in (0, 1, 10, 1000)]
        subject.require(
            lengths == sorted(lengths) and lengths[0] >= 0 and lengths[-1] > lengths[0],
            f"length gives {lengths} calls for 0, 1, 10 and 1000 steps: it must grow with the steps",
        )
        for step in (0, lengths[1] - 1, lengths[1]):
            subject.ask(str, f"phase({step})", session.recipe.phase, step)


def check_trains(subject: Subject) -> None:
    """Two steps of every phase give detached 0-d figures that are finite, and change every network in its state."""
    with _session(subject) as session:
        before, whole = _copied(subject, _generator(subject, session)), _copied(subject, session.recipe)
        for step in _two_of_each_phase(session):
            for name, value in _step(subject, session, step).items():
                where = f"step({step}), figure {name!r}"
                subject.require(isinstance(value, Tensor), f"{where} is a {type(value).__name__}, not a 0-d tensor")
                subject.require(value.ndim == 0, f"{where} has shape {tuple(value.shape)}, not ()")
                subject.require(not value.requires_grad, f"{where} is not detached: the graph of every step would be kept")
                subject.require(finite(value), f"{where} is {float(value)}")
        after, state = dict(_generator(subject, session).state_dict()), session.recipe.state_dict()
        subject.require(first_difference(before, after) is not None, "training does not change the generator that it returns")
        for slot in (slot for slot in _record(subject).slots if slot.kind in ("generator", "discriminator")):
            text = f"two steps of every phase do not change the network in slot {slot.name!r}, which is in its state"
            for old, new in zip(_weights_of(slot.name, whole), _weights_of(slot.name, state), strict=True):
                subject.require(first_difference(old, new) is not None, text)
        bad = first_not_finite(state)
        subject.require(bad is None, f"after a few steps {bad} in its state is not finite")


def check_refines_without_a_trace(subject: Subject) -> None:
    """`refine` keeps shape and range, gives one result for one image, and looking at a run does not change it."""
    with _session(subject) as session:
        recipe, images = session.recipe, session.held_source[:3]
        for step in (None, *_two_of_each_phase(session)[:1]):
            if step is not None:
                _step(subject, session, step)
            before, modes = _copied(subject, recipe), _modes(subject, session)
            results = [subject.ask(Tensor, "refine", recipe.refine, Batch(given)) for given in (images[:1], images, images)]
            for given, result in zip((images[:1], images), results, strict=False):
                subject.require(given.shape == result.shape, f"refine turns {tuple(given.shape)} into {tuple(result.shape)}")
            subject.require(not results[1].requires_grad, "refine keeps a graph: it must run without gradients")
            subject.require(float(results[1].abs().max()) <= 1 + 1e-4, "refine leaves [-1, 1]")
            subject.require(torch.equal(*results[1:]), "refine gives two results for one image")
            place = first_difference(before, _copied(subject, recipe))
            subject.require(place is None, f"refine changes {place} in its state; running statistics need eval mode")
            subject.require(
                modes == _modes(subject, session), "refine leaves the generator in another mode (train or eval) than it was in"
            )


def check_hands_over_what_refines(subject: Subject) -> None:
    """`generator()` is the network of `refine`, and its weights fit the part in the first generator slot."""
    with _session(subject) as session:
        for step in _two_of_each_phase(session)[-2:]:
            _step(subject, session, step)
        images = session.held_source[:3]
        with torch.no_grad(), subject.calling("loading what generator() returns as gantool.load does"):
            weights = through_disk(subject.folder / "weights", dict(_generator(subject, session).state_dict()))
            network = build_generator(subject.registry, session.recorded)
            network.load_state_dict(weights)
            loaded = network.eval()(images)
        refined = session.recipe.refine(Batch(images))
        subject.require(
            loaded.shape == refined.shape and bool(torch.allclose(loaded, refined, atol=1e-4)),
            "the network that generator() returns computes something else than refine",
        )


def check_resumes_exactly(subject: Subject) -> None:
    """A run that goes on from a checkpoint does the same steps, to the bit, as one that was not interrupted."""
    with _session(subject) as session:
        steps = _two_of_each_phase(session)
        for step in steps:
            _step(subject, session, step)
        with subject.calling("saving its state_dict"):
            saved = through_disk(subject.folder / "state", {"recipe": session.recipe.state_dict()})
        draws, drawn = session.draws.state_dict(), random_state()
        figures = [_step(subject, session, step) for step in steps]
        expected = _copied(subject, session.recipe)
    with _session(subject) as session:
        with subject.calling("its load_state_dict"):
            session.recipe.load_state_dict(saved["recipe"])
        session.draws.load_state_dict(draws)
        set_random_state(drawn)
        missing = "something is missing from state_dict"
        for step, wanted in zip(steps, figures, strict=True):
            place = first_difference(wanted, _step(subject, session, step))
            subject.require(place is None, f"after resuming, step({step}) gives another {place}: {missing}")
        place = first_difference(expected, _copied(subject, session.recipe))
        subject.require(place is None, f"after resuming, {place} is another: {missing}")


CHECKS = {
    "recipe": (
        check_all_presets_resolve,
        check_says_how_long_it_takes,
        check_trains,
        check_refines_without_a_trace,
        check_hands_over_what_refines,
        check_resumes_exactly,
    )
}


def _record(subject: Subject) -> Recipe:
    assert isinstance(subject.provided.record, Recipe)
    return subject.provided.record


def _plan(subject: Subject) -> Plan:
    record = _record(subject)
    values = {"recipe": subject.values_for("recipe", subject.provided.full_name)}
    values |= {slot.name: subject.values_for(slot.kind, slot.default) for slot in record.slots}
    dataset = record.dataset
    values["dataset"] = subject.values_for("dataset", dataset) if dataset else {}
    if not values["dataset"]:
        count = max(_IMAGES, 2 * subject.batch_size)
        paths = write_domains(
            subject.folder / "images", count=count, channels=subject.channels[0], size=subject.size, labels=subject.labels
        )
        dataset, values["dataset"] = "gantool:files", dict(zip(("synthetic", "real"), map(str, paths), strict=True))
    options = {f"{part}.{name}": value for part, own in values.items() for name, value in own.items()}
    settings = {"batch_size": subject.batch_size, "device": "cpu", "steps": 4}
    said = Choices(plugin=subject.provided.full_name, dataset=dataset, options=options, settings=settings)
    with subject.calling("resolving its defaults"):
        return resolve(subject.registry, said)


@contextmanager
def _session(subject: Subject) -> Iterator[Session]:
    plan = _plan(subject)
    with subject.calling("opening a session with it (its factory and setup)"):
        session = open_session(plan)
    try:
        yield session
    finally:
        session.draws.close()


def _two_of_each_phase(session: Session) -> list[int]:
    """Numbers of the first two calls of each phase, in order."""
    first: dict[str, list[int]] = {}
    for step in range(min(session.recipe.length(10), _LAST_PHASE)):
        first.setdefault(session.recipe.phase(step), []).append(step)
    return sorted(step for steps in first.values() for step in steps[:2])


def _step(subject: Subject, session: Session, step: int) -> dict[str, Any]:
    figures = subject.ask(dict, f"step({step})", session.recipe.step, step, session.draws)
    return {name: value.clone() if isinstance(value, Tensor) else value for name, value in figures.items()}


def _generator(subject: Subject, session: Session) -> nn.Module:
    network: nn.Module = subject.ask(nn.Module, "generator()", session.recipe.generator)
    return network


def _modes(subject: Subject, session: Session) -> list[bool]:
    return [module.training for module in _generator(subject, session).modules()]


def _weights_of(name: str, state: Any) -> Iterator[Any]:
    """What lies under a name anywhere in a nested state and has weights in it."""
    for key, value in state.items() if isinstance(state, Mapping) else ():
        if key == name and isinstance(value, Mapping) and any(isinstance(item, Tensor) for item in value.values()):
            yield value
        else:
            yield from _weights_of(name, value)


def _copied(subject: Subject, owner: Any) -> dict[str, Any]:
    """The state of a recipe or network, which goes on changing."""
    with subject.calling("copying its state_dict"):
        return dict(deepcopy(owner.state_dict()))
