"""Checks of losses. See `gantool.hookspecs.gantool_losses`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from .pictures import noise
from .subject import Subject

Call = Callable[..., Tensor]

_LOGITS = (3, 1, 4, 5)


def check_names_its_family(subject: Subject) -> None:
    """`provides` says what it is called with."""
    families = {"adversarial", "image-pair"}
    subject.require(
        bool(subject.provided.component.provides),
        f"it provides nothing, so no slot can ask for it; a loss provides {' or '.join(sorted(families))}",
    )
    component, loss = subject.provided.component, subject.made()
    terms = ("discriminator", "relative_generator" if "relativistic" in component.needs else "generator")
    for says, word, names in (
        (component.provides, "adversarial", terms),
        (component.provides, "image-pair", ("__call__",)),
        (component.needs, "penalty", ("penalty",)),
    ):
        missing = [name for name in names if not callable(getattr(loss, name, None))]
        if word in says:
            subject.require(not missing, f"it says {word!r} but has no {' and no '.join(missing)}")


def check_gives_one_figure(subject: Subject) -> None:
    """The result is 0-d, finite, and has a gradient to what it judges."""
    for what, call, inputs in _calls(subject):
        given = [each.requires_grad_() for each in inputs]
        result = _value(subject, what, call, given)
        subject.require(result.requires_grad, f"{what} has no gradient: it is detached")
        subject.require(all(each.grad is None for each in given), f"{what} calls backward; that is the recipe's business")
        for index, gradient in enumerate(torch.autograd.grad(result, given, allow_unused=True)):
            subject.require(gradient is not None, f"{what} gives argument {index + 1} no gradient")
            subject.require(bool(torch.isfinite(gradient).all()), f"{what} gives a gradient that is not finite")


def check_gradient_is_right(subject: Subject) -> None:
    """The gradient is that of the value, in float64."""
    for what, call, inputs in _calls(subject, torch.float64):
        given = [each.requires_grad_() for each in inputs]
        # The gradient of a mean is small, and gradcheck's tolerance is absolute: a factor brings it to the order of 1.
        scaled = partial(_times, given[0].numel(), call)
        with subject.calling(f"gradcheck of {what}"):
            torch.autograd.gradcheck(scaled, given, fast_mode=True, check_undefined_grad=False)


def check_refuses_shapes_that_do_not_fit(subject: Subject) -> None:
    """Shapes that do not fit raise `ValueError`, where broadcasting would hide the mistake."""
    loss, (height, width) = _loss(subject), subject.size
    cases: list[tuple[str, Call, Sequence[tuple[int, ...]]]] = []
    if not subject.lacks("adversarial"):
        cases += [
            (".discriminator", loss.discriminator, [(2, 1, 4, 4), (2, 1, 1, 4)]),
            (".discriminator", loss.discriminator, [(2, 4, 4), (2, 4, 4)]),
            *((name, call, [(2, 4, 4)] * count) for name, call, count in _generator_term(loss)),
            *((name, call, [(2, 2, 4, 4)] * count) for name, call, count in _generator_term(loss)),
        ]
    if not subject.lacks("image-pair"):
        images = (2, subject.channels[0], height, width)
        cases += [
            ("it", loss, [images, (1, *images[1:])]),
            ("it", loss, [images, (*images[:2], height, 1)]),
            ("it", loss, [images[1:], images[1:]]),
        ]
    for what, call, shapes in cases:
        shown = " and ".join(map(str, shapes))
        try:
            call(*(torch.zeros(shape) for shape in shapes))
        except ValueError:
            continue
        except Exception as error:
            raise subject.fault(f"{what} raised {type(error).__name__} for shapes {shown}; it must raise ValueError") from error
        raise subject.fault(f"{what} accepts shapes {shown}; it must raise ValueError")


def check_stays_finite(subject: Subject) -> None:
    """Logits as large as a discriminator that wins gives do not overflow, nor do their gradients."""
    if subject.lacks("adversarial"):
        return
    loss = _loss(subject)
    for size in (-200.0, 200.0):
        logits = torch.full(_LOGITS, size, requires_grad=True)
        values = {".discriminator": loss.discriminator(logits, -logits)}
        values |= {name: call(*(-logits, logits)[-count:]) for name, call, count in _generator_term(loss)}
        for what, value in values.items():
            subject.require(
                bool(torch.isfinite(value)), f"{what} is not finite for logits of {size:g}: use logsigmoid or softplus"
            )
            (gradient,) = torch.autograd.grad(value, logits, retain_graph=True)
            subject.require(
                bool(torch.isfinite(gradient).all()),
                f"the gradient of {what} is not finite for logits of {size:g}: use logsigmoid or softplus",
            )


def check_higher_is_real(subject: Subject) -> None:
    """The generator's loss falls as its logits rise; the discriminator's falls as real logits rise and fake ones fall."""
    if subject.lacks("adversarial"):
        return
    loss, high, low = _loss(subject), torch.full(_LOGITS, 0.5), torch.full(_LOGITS, -0.5)
    for name, call, count in _generator_term(loss):
        real = [torch.zeros(_LOGITS)] * (count - 1)
        subject.require(
            bool(call(*real, high) < call(*real, low)),
            f"{name} does not fall when fake logits rise; higher logits mean more like the real domain",
        )
    zero = torch.zeros(_LOGITS)
    for when, better, worse in (
        ("real logits rise and fake ones fall", (high, low), (low, high)),
        ("real logits rise", (high, zero), (low, zero)),
        ("fake logits fall", (zero, zero), (zero, high)),
    ):
        subject.require(
            bool(loss.discriminator(*better) < loss.discriminator(*worse)),
            f".discriminator does not fall when {when}; its arguments are (real, fake)",
        )


def check_penalty_teaches_the_discriminator(subject: Subject) -> None:
    """A penalty is a finite 0-d figure with a gradient to the discriminator's weights."""
    if "penalty" not in subject.provided.component.needs:
        return
    loss, (real, fake) = _loss(subject), _images(subject, torch.float32)
    torch.manual_seed(0)
    first = nn.Conv2d(subject.channels[0], 4, 3)
    judge = nn.Sequential(first, nn.Softplus(), nn.Conv2d(4, 1, 3))
    result = _value(subject, ".penalty", lambda a, b: loss.penalty(judge, a, b), [real, fake])
    subject.require(result.requires_grad, ".penalty has no gradient to the discriminator: create_graph=True is missing")
    result.backward()  # type: ignore[no-untyped-call]
    weight = first.weight
    subject.require(
        weight.grad is not None and bool(torch.isfinite(weight.grad).all()),
        ".penalty gives the discriminator's weights no finite gradient",
    )


def check_is_a_distance(subject: Subject) -> None:
    """A distance of images is not negative, smallest for equal images, and has a gradient there, too."""
    if subject.lacks("image-pair"):
        return
    loss = _loss(subject)
    a, b = _images(subject, torch.float32)
    equal, apart = _value(subject, "it", loss, [a, a.clone()]), _value(subject, "it", loss, [a, b])
    subject.require(bool(apart >= 0) and bool(equal >= 0), f"a distance cannot be negative, got {float(min(equal, apart)):.3g}")
    subject.require(bool(equal < apart), f"equal images are {float(equal):.3g} apart and different ones {float(apart):.3g}")
    given = a.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(_value(subject, "it", loss, [given, a]), given)
    subject.require(
        bool(torch.isfinite(gradient).all()),
        "its gradient is not finite for equal images, where a refiner may begin (a square root of 0? add a little inside it)",
    )


CHECKS = (
    check_names_its_family,
    check_gives_one_figure,
    check_gradient_is_right,
    check_refuses_shapes_that_do_not_fit,
    check_stays_finite,
    check_higher_is_real,
    check_penalty_teaches_the_discriminator,
    check_is_a_distance,
)


def _loss(subject: Subject, dtype: torch.dtype = torch.float32) -> Any:
    torch.manual_seed(0)
    loss = subject.made()
    return loss.to(dtype) if isinstance(loss, nn.Module) else loss


def _times(factor: int, call: Call, *given: Tensor) -> Tensor:
    return factor * call(*given)


def _generator_term(loss: Any) -> list[tuple[str, Call, int]]:
    """Name, function and number of arguments of the generator's term; a relativistic one takes real logits before fake ones."""
    if hasattr(loss, "relative_generator"):
        return [(".relative_generator", loss.relative_generator, 2)]
    return [(".generator", loss.generator, 1)]


def _images(subject: Subject, dtype: torch.dtype) -> list[Tensor]:
    return [noise(2, subject.channels[0], subject.size, seed=seed).to(dtype) for seed in (1, 2)]


def _calls(subject: Subject, dtype: torch.dtype = torch.float32) -> list[tuple[str, Call, list[Tensor]]]:
    """What is called and with what, for the families that the loss provides."""
    loss = _loss(subject, dtype)
    calls: list[tuple[str, Call, list[Tensor]]] = []
    if not subject.lacks("adversarial"):
        generator = torch.Generator().manual_seed(0)
        real, fake = (torch.randn(_LOGITS, generator=generator, dtype=dtype) for _ in range(2))
        calls.append((".discriminator", loss.discriminator, [real, fake]))
        calls += [(name, call, [real.clone(), fake.clone()][-count:]) for name, call, count in _generator_term(loss)]
    if not subject.lacks("image-pair"):
        calls.append(("it", loss, _images(subject, dtype)))
    return calls


def _value(subject: Subject, what: str, call: Call, given: list[Tensor]) -> Tensor:
    with subject.calling(what):
        result = call(*given)
    subject.require(isinstance(result, Tensor), f"{what} returned a {type(result).__name__}, not a 0-d tensor")
    subject.require(result.ndim == 0, f"{what} returned a tensor of shape {tuple(result.shape)}, not a 0-d tensor")
    subject.require(bool(torch.isfinite(result)), f"{what} returned {result.item()}")
    return result
