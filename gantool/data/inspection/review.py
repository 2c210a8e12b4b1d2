"""What stands out in one set, and what differs between the two domains, with what to do about it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ...values import counted
from .frames import FramesSummary
from .survey import LabelSummary, Survey

_MOST = 0.5
"""Share of images from which on a set counts as equalised; below `_FEW` it does not."""
_FEW = 0.2
_BRIGHTNESS = 0.05
"""Difference of mean brightness, in [0, 1], from which on it is named."""
_CONTRAST = 1.25
"""Ratio of mean contrasts from which on it is named."""
_ASPECT = 1.1
_SHIFT, _RATIO = 0.5, 1.5
"""Differences of label means, in standard deviations, and ratios of these, that are named."""
_SURE = 4.0
"""Standard errors that a difference of labels must exceed: few rows differ by chance."""
_USED = 0.5
"""Share of the 16-bit range below which a set is said to use little of it."""


@dataclass(frozen=True)
class Finding:
    """Something a person should know before training."""

    topic: str
    text: str
    """What is the case."""
    advice: str
    """What to do about it; "" where nothing has to be done."""


def review(survey: Survey) -> list[Finding]:
    """Return what stands out in one set."""
    if survey.ids > _MOST * (survey.examined - survey.unreadable):
        return [
            *_damage(survey),
            Finding(
                "ids",
                counted(survey.ids, "image looks like a mask", "images look like masks") + ": few colours in flat patches",
                "give the folder that holds the pictures, too: masks are then told from them, and kept",
            ),
            *of_passes(survey.frames),
            *_damaged_labels(survey),
        ]
    return [
        *_damage(survey),
        *_flat(survey),
        *_values(survey),
        *_repeats(survey),
        *of_passes(survey.frames),
        *_damaged_labels(survey),
    ]


def compare(synthetic: Survey, real: Survey) -> list[Finding]:
    """Return what differs between the domains. A refiner learns every difference, also those that nobody wants learned."""
    # Equalised images are of one brightness and contrast, so naming these too would say one thing three times.
    light = list(compare_equalisation(synthetic.equalised, real.equalised)) or _light(synthetic, real)
    return [
        *_sizes(synthetic, real),
        *_channels(synthetic, real),
        *_types(synthetic, real),
        *light,
        *_shared(synthetic, real),
        *_labels(synthetic, real),
    ]


def _damage(s: Survey) -> Iterator[Finding]:
    if s.unreadable:
        first = s.unreadable_names[0]
        yield Finding(
            "unreadable",
            f"{s.unreadable:,} of {counted(s.examined, 'image')} cannot be read: {first}",
            "training stops at them: remove them",
        )
    if s.not_finite:
        yield Finding(
            "values",
            f"{counted(s.not_finite, 'image has', 'images have')} NaN or infinite values ({s.blank:.2%} of the pixels)",
            "nothing to do for NaN: the network sees the median of the image there, and it stays NaN; "
            "with --value-range, infinite pixels stay, too",
        )


def _flat(s: Survey) -> Iterator[Finding]:
    if s.flat:
        yield Finding(
            "flat",
            counted(s.flat, "image has a single value", "images have a single value each"),
            "nothing is seen there: remove them",
        )


def _values(s: Survey) -> Iterator[Finding]:
    for value, share in s.sentinels.items():
        yield Finding(
            "sentinel",
            f"{share:.1%} of the pixels are {value:g}: a sentinel, no measurement",
            "the figures leave it out; so does --value-range",
        )
    low, high = s.percentiles
    option = f"--value-range {low:g},{high:g}"
    if "float32" in s.dtypes and (s.low < 0 or s.high > 1):
        yield Finding(
            "range",
            f"values go from {s.low:g} to {s.high:g}, outside [0, 1]",
            f"pass --value-range auto, {option} or what your unit asks for",
        )
    elif list(s.dtypes) == ["uint16"] and high - low < _USED * 65535:
        yield Finding(
            "range", f"16-bit images that use only {low:g} to {high:g} of 0 to 65535", f"pass {option} (or both domains' range)"
        )
    if s.grey_as_colour == s.examined - s.unreadable:
        yield Finding("channels", "grey images stored with three equal channels", "pass --channels 1: less work")


def _repeats(s: Survey) -> Iterator[Finding]:
    if s.duplicate_count:
        names = " = ".join(s.duplicates[0][:2])
        yield Finding(
            "duplicates",
            f"{counted(s.duplicate_count, 'image repeats', 'images repeat')} another one: {names}",
            "remove one of each",
        )


def of_passes(frames: FramesSummary | None) -> Iterator[Finding]:
    """Yield what stands out in passes."""
    for found in frames.passes if frames else ():
        for text in found.warnings:
            same = found.low is None or found.low == found.high
            other = "the picture" in text
            advice = "look whether it was rendered at all" if same else "leave it out where you scale or compare values"
            advice = "both keep their sizes; --size scales them alike" if other else advice
            yield Finding("passes", f"{found.name}: {text}", advice)
        if found.unreadable:
            text = f"{found.name}: {counted(found.unreadable, 'file')} cannot be read"
            yield Finding("passes", text, "write them again, or remove them")


def _damaged_labels(s: Survey) -> Iterator[Finding]:
    if s.annotated.problem_count:
        yield Finding(
            "annotations",
            f"{counted(s.annotated.problem_count, 'annotation does', 'annotations do')} not fit: {s.annotated.problems[0]}",
            "put them right: `gantool refine --validate` lists more, and refuses the set until then",
        )
    for label in s.labels:
        if label.missing:
            yield Finding(
                "labels", f"{label.name} has NaN in {label.missing:,} of {s.examined:,} rows", "fill or remove these rows"
            )


def _sizes(a: Survey, b: Survey) -> Iterator[Finding]:
    if len(a.sizes) == 1 and a.sizes.keys() == b.sizes.keys():
        return
    wanted, theirs = next(iter(b.sizes)), next(iter(a.sizes))
    ratio = _aspect(theirs) / _aspect(wanted)
    stretched = max(ratio, 1 / ratio) > _ASPECT
    advice = f"pass --size {wanted}" + (
        "; the shapes differ too, so crop or pad the renders to that shape first" if stretched else ""
    )
    yield Finding("size", f"synthetic images are {_several(a)}, real ones {_several(b)} (height x width)", advice)


def _several(s: Survey) -> str:
    commonest = next(iter(s.sizes))
    return commonest if len(s.sizes) == 1 else f"mostly {commonest} ({len(s.sizes)} sizes)"


def _aspect(size: str) -> float:
    height, width = map(int, size.split("x"))
    return width / height


def _channels(a: Survey, b: Survey) -> Iterator[Finding]:
    ours, theirs = (sorted({n - (n in (2, 4)) for n in s.channels}) for s in (a, b))
    if ours != theirs:
        words = [" and ".join({1: "grey", 3: "colour"}.get(n, f"{n}-channel") for n in found) for found in (ours, theirs)]
        grey = set(ours + theirs) <= {1, 3}
        advice = "nothing to do: gantool makes both grey" if grey else "convert one of them, or pass --channels"
        yield Finding("channels", f"synthetic images are {words[0]}, real ones {words[1]}", advice)


def _types(a: Survey, b: Survey) -> Iterator[Finding]:
    if set(a.dtypes) != set(b.dtypes):
        words = [", ".join(s.dtypes) for s in (a, b)]
        yield Finding(
            "type",
            f"synthetic images are {words[0]}, real ones {words[1]}",
            "the narrower is scaled up; check that white means the same in both",
        )


def compare_equalisation(synthetic: float, real: float) -> Iterator[Finding]:
    """Say what to do where one domain is histogram-equalised and the other is not, by the shares of images that are."""
    shares = f"{synthetic:.0%} of the synthetic and {real:.0%} of the real images"
    if real >= _MOST and synthetic <= _FEW:
        yield Finding(
            "equalisation",
            f"real images are histogram-equalised, synthetic ones are not ({shares})",
            "pass --equalize, and equalise what your model sees later, too",
        )
    elif synthetic >= _MOST and real <= _FEW:
        yield Finding(
            "equalisation",
            f"synthetic images are histogram-equalised, real ones are not ({shares})",
            "pass --equalize, or better render without equalisation",
        )


def _light(a: Survey, b: Survey) -> Iterator[Finding]:
    difference = a.brightness.mean - b.brightness.mean
    wipes = "match the renderer's light, or pass --equalize, which removes the difference"
    if abs(difference) > _BRIGHTNESS:
        word = "brighter" if difference > 0 else "darker"
        figures = f"mean {a.brightness.mean:.2f} against {b.brightness.mean:.2f}, 1 is white"
        yield Finding("brightness", f"synthetic images are {word} ({figures})", wipes)
    if _ratio(a.contrast.mean, b.contrast.mean) > _CONTRAST:
        word = "more" if a.contrast.mean > b.contrast.mean else "less"
        figures = f"standard deviation {a.contrast.mean:.2f} against {b.contrast.mean:.2f}"
        yield Finding("contrast", f"synthetic images have {word} contrast ({figures})", wipes)


def _shared(a: Survey, b: Survey) -> Iterator[Finding]:
    both = a.digests.keys() & b.digests.keys()
    if both:
        example = min((a.digests[digest], b.digests[digest]) for digest in both)
        yield Finding(
            "shared images",
            f"{counted(len(both), 'image is', 'images are')} in both domains, such as {' = '.join(example)}",
            "remove them from one: the discriminator would be taught that real is fake",
        )


def _labels(a: Survey, b: Survey) -> Iterator[Finding]:
    theirs = {label.name: label for label in b.labels}
    for ours in a.labels:
        other = theirs.get(ours.name)
        differences = _label_differences(ours, other) if other else []
        if differences:
            yield Finding(
                "labels",
                f"{ours.name}: {'; '.join(differences)}",
                "match the ranges if you can (-o dataset.label_range=…): where geometry differs, the refiner is tempted to "
                "move shapes, labels and all",
            )


def _label_differences(a: LabelSummary, b: LabelSummary) -> list[str]:
    found = []
    for column, figures in enumerate(zip(a.mean, b.mean, a.deviation, b.deviation, strict=False)):
        mean_a, mean_b, deviation_a, deviation_b = figures
        where = f"column {column}: " if len(a.mean) > 1 else ""
        # Standard errors of the difference of means, and of the logarithm of the ratio of spreads.
        chance = math.sqrt(deviation_a**2 / a.rows + deviation_b**2 / b.rows)
        if abs(mean_a - mean_b) > max(_SHIFT * max(deviation_a, deviation_b), _SURE * chance):
            found.append(f"{where}mean {mean_a:.3g} synthetic, {mean_b:.3g} real")
        elif _ratio(deviation_a, deviation_b) > max(_RATIO, math.exp(_SURE * math.sqrt(0.5 / a.rows + 0.5 / b.rows))):
            found.append(f"{where}spread {deviation_a:.3g} synthetic, {deviation_b:.3g} real")
    return found


def _ratio(a: float, b: float) -> float:
    """The larger over the smaller; 1 for two zeros."""
    low, high = sorted((a, b))
    return high / low if low else math.inf if high else 1.0
