"""Checks of losses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .material import finite, noise
from .subject import Subject, only_if

Call = Callable[..., Tensor]

_LOGITS = (3, 1, 4, 5)


def check_names_its_family(subject: Subject) -> None:
    """`provides` says what it is called with."""
    component, loss = subject.provided.record, subject.made()
    subject.require(
        bool(component.provides), "it provides nothing, so no slot can ask for it; a loss provides adversarial or image-pair"
    )
    terms = ("discriminator", "relative_generator" if "relativistic" in component.needs else "generator")
    for says, word, names in (
        (component.provides, "adversarial", terms),
        (component.provides, "image-pair", ("__call__",)),
        (component.needs, "penalty", ("penalty",)),
    ):
        missing = [name for name in names if not callable(getattr(loss, name, None))]
        subject.require(word not in says or not missing, f"it says {word!r} but has no {' and no '.join(missing)}")


def check_gives_one_figure(subject: Subject) -> None:
    """The result is 0-d, finite, and has a gradient to what it judges."""
    for what, call, inputs in _calls(subject):
        given = [each.requires_grad_() for each in inputs]
        result = _value(subject, what, call, *given)
        subject.require(result.requires_grad, f"{what} has no gradient: it is detached")
        subject.require(all(each.grad is None for each in given), f"{what} calls backward; that is the recipe's business")
        for index, gradient in enumerate(torch.autograd.grad(result, given, allow_unused=True)):
            subject.require(gradient is not None, f"{what} gives argument {index + 1} no gradient")
            subject.require(finite(gradient), f"{what} gives a gradient that is not finite")


def check_gradient_is_right(subject: Subject) -> None:
    """The gradient is that of the value, in float64."""
    for what, call, inputs in _calls(subject, torch.float64):
        given = [each.requires_grad_() for each in inputs]

        def scaled(*inputs: Tensor, call: Call = call) -> Tensor:
            # The gradient of a mean is small, and gradcheck's tolerance is absolute: a factor brings it to the order of 1.
            return inputs[0].numel() * call(*inputs)

        with subject.calling(f"gradcheck of {what}"):
            torch.autograd.gradcheck(scaled, given, fast_mode=True, check_undefined_grad=False)


def check_refuses_shapes_that_do_not_fit(subject: Subject) -> None:
    """Shapes that do not fit raise `ValueError`, where broadcasting would hide the mistake."""
    loss, cases = _loss(subject), list[tuple[str, Call, Sequence[tuple[int, ...]]]]()
    if "adversarial" in subject.provided.record.provides:
        terms = _generator_term(loss)
        cases += [
            (".discriminator", loss.discriminator, [(2, 1, 4, 4), (2, 1, 1, 4)]),
            (".discriminator", loss.discriminator, [(2, 4, 4), (2, 4, 4)]),
            *((name, call, [shape] * count) for shape in ((2, 4, 4), (2, 2, 4, 4)) for name, call, count in terms),
        ]
    if "image-pair" in subject.provided.record.provides:
        one = (subject.channels[0], *subject.size)
        cases += [("it", loss, [(2, *one), other]) for other in ((1, *one), (2, *one[:2], 1))]
        cases.append(("it", loss, [one, one]))
    for what, call, shapes in cases:
        shown = " and ".join(map(str, shapes))
        try:
            call(*(torch.zeros(shape) for shape in shapes))
        except ValueError:
            continue
        except Exception as error:
            raise subject.fault(f"{what} raised {type(error).__name__} for shapes {shown}; it must raise ValueError") from error
        raise subject.fault(f"{what} accepts shapes {shown}; it must raise ValueError")


@only_if("adversarial")
def check_stays_finite(subject: Subject) -> None:
    """Logits as large as a discriminator that wins gives do not overflow, nor do their gradients."""
    loss = _loss(subject)
    for size in (-200.0, 200.0):
        logits, hint = (
            torch.full(_LOGITS, size, requires_grad=True),
            f"is not finite for logits of {size:g}: use logsigmoid or softplus",
        )
        values = {".discriminator": loss.discriminator(logits, -logits)}
        values |= {name: call(*(-logits, logits)[-count:]) for name, call, count in _generator_term(loss)}
        for what, value in values.items():
            subject.require(finite(value), f"{what} {hint}")
            (gradient,) = torch.autograd.grad(value, logits, retain_graph=True)
            subject.require(finite(gradient), f"the gradient of {what} {hint}")


@only_if("adversarial")
def check_higher_is_real(subject: Subject) -> None:
    """The generator's loss falls as its logits rise; the discriminator's falls as real logits rise and fake ones fall."""
    loss = _loss(subject)
    high, zero, low = (torch.full(_LOGITS, value) for value in (0.5, 0.0, -0.5))
    for name, call, count in _generator_term(loss):
        real = [zero] * (count - 1)
        subject.require(
            bool(call(*real, high) < call(*real, low)),
            f"{name} does not fall when fake logits rise; higher logits mean more like the real domain",
        )
    for when, better, worse in (
        ("real logits rise and fake ones fall", (high, low), (low, high)),
        ("real logits rise", (high, zero), (low, zero)),
        ("fake logits fall", (zero, zero), (zero, high)),
    ):
        subject.require(
            bool(loss.discriminator(*better) < loss.discriminator(*worse)),
            f".discriminator does not fall when {when}; its arguments are (real, fake)",
        )


@only_if("penalty")
def check_penalty_teaches_the_discriminator(subject: Subject) -> None:
    """A penalty is a finite 0-d figure with a gradient to the discriminator's weights."""
    loss = _loss(subject)
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Conv2d(subject.channels[0], 4, 3), nn.Softplus(), nn.Conv2d(4, 1, 3))
    result = _value(subject, ".penalty", loss.penalty, judge, *_images(subject, torch.float32))
    subject.require(result.requires_grad, ".penalty has no gradient to the discriminator: create_graph=True is missing")
    result.backward()  # type: ignore[no-untyped-call]
    gradient = next(judge.parameters()).grad
    subject.require(gradient is not None and finite(gradient), ".penalty gives the discriminator's weights no finite gradient")


@only_if("image-pair")
def check_is_a_distance(subject: Subject) -> None:
    """A distance of images is not negative, smallest for equal images, and has a gradient there, too."""
    loss, (a, b) = _loss(subject), _images(subject, torch.float32)
    equal, apart = _value(subject, "it", loss, a, a.clone()), _value(subject, "it", loss, a, b)
    subject.require(bool(apart >= 0) and bool(equal >= 0), f"a distance cannot be negative, got {float(min(equal, apart)):.3g}")
    subject.require(bool(equal < apart), f"equal images are {float(equal):.3g} apart and different ones {float(apart):.3g}")
    given = a.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(_value(subject, "it", loss, given, a), given)
    subject.require(
        finite(gradient),
        "its gradient is not finite for equal images, where a refiner may begin (a square root of 0? add a little inside it)",
    )


CHECKS = {
    "loss": (
        check_names_its_family,
        check_gives_one_figure,
        check_gradient_is_right,
        check_refuses_shapes_that_do_not_fit,
        check_stays_finite,
        check_higher_is_real,
        check_penalty_teaches_the_discriminator,
        check_is_a_distance,
    )
}


def _loss(subject: Subject, dtype: torch.dtype = torch.float32) -> Any:
    torch.manual_seed(0)
    loss = subject.made()
    return loss.to(dtype) if isinstance(loss, nn.Module) else loss


def _generator_term(loss: Any) -> list[tuple[str, Call, int]]:
    """Name, function and number of arguments of the generator's term; a relativistic one takes real logits before fake ones."""
    if hasattr(loss, "relative_generator"):
        return [(".relative_generator", loss.relative_generator, 2)]
    return [(".generator", loss.generator, 1)]


def _images(subject: Subject, dtype: torch.dtype) -> list[Tensor]:
    return [noise(2, subject.channels[0], subject.size, seed=seed).to(dtype) for seed in (1, 2)]


def _calls(subject: Subject, dtype: torch.dtype = torch.float32) -> list[tuple[str, Call, list[Tensor]]]:
    """What is called and with what, for the families that the loss provides."""
    loss, calls = _loss(subject, dtype), list[tuple[str, Call, list[Tensor]]]()
    if "adversarial" in subject.provided.record.provides:
        generator = torch.Generator().manual_seed(0)
        real, fake = (torch.randn(_LOGITS, generator=generator, dtype=dtype) for _ in range(2))
        calls.append((".discriminator", loss.discriminator, [real, fake]))
        calls += [(name, call, [real.clone(), fake.clone()][-count:]) for name, call, count in _generator_term(loss)]
    if "image-pair" in subject.provided.record.provides:
        calls.append(("it", loss, _images(subject, dtype)))
    return calls


def _value(subject: Subject, what: str, call: Call, *given: Any) -> Tensor:
    result: Tensor = subject.ask(Tensor, what, call, *given)
    subject.require(result.ndim == 0, f"{what} returned a tensor of shape {tuple(result.shape)}, not a 0-d tensor")
    subject.require(finite(result), f"{what} returned {result.item()}")
    return result
