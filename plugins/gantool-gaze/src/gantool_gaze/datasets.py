"""The data sets: a synthetic and a real source each. See `gantool.hookspecs.gantool_datasets`."""

from __future__ import annotations

from collections.abc import Sequence

from gantool import GantoolError
from gantool.components import Pair

from .columbia import find_columbia, open_columbia
from .h5 import open_h5
from .mpiigaze import SIDES, Choice, find_mpiigaze
from .options import ColumbiaOptions, H5Options, MPIIGazeOptions
from .unityeyes import open_unityeyes


def unityeyes_mpiigaze(*, config: MPIIGazeOptions) -> Pair:
    """Open the paper's pair. Raises `GantoolError` as the readers do."""
    _check_paths(config, synthetic=_UNITYEYES, real="MPIIGaze or its folder Data/Normalized")
    source = open_unityeyes(config.synthetic, size=config.size, zoom=config.zoom)
    copy = find_mpiigaze(config.real)
    train, test = choose_subjects(copy.subjects(), config.subjects, config.test_subjects, str(copy.normalized))
    sides = SIDES if config.eyes == "both" else (config.eyes,)

    def choice(images: str) -> Choice:
        return Choice(evaluation=images == "evaluation", sides=sides, mirror=config.mirror)

    target = copy.open(train, choice(config.images), size=config.size)
    held_out = copy.open(test, choice(config.test_images), size=config.size) if test else None
    return Pair(source, target, held_out)


def unityeyes_columbia(*, config: ColumbiaOptions) -> Pair:
    """Open UnityEyes and crops of Columbia Gaze. Raises `GantoolError` as the readers do."""
    _check_paths(config, synthetic=_UNITYEYES, real="the folder of eye crops called 0001_2m_0P_0V_0H_L.jpg")
    source = open_unityeyes(config.synthetic, size=config.size, zoom=config.zoom)
    found = find_columbia(config.real)
    groups = choose_subjects(list(found), config.subjects, config.test_subjects, config.real)
    target, *test = (
        open_columbia(
            [path for subject in group for path in found[subject]],
            name=f"{config.real} ({', '.join(group)})",
            size=config.size,
            mirror=config.mirror,
        )
        for group in groups
        if group
    )
    return Pair(source, target, *test)


def h5_pair(*, config: H5Options) -> Pair:
    """Open gaze.h5 and real_gaze.h5. Raises `GantoolError` as `open_h5` does, and where their images differ in size."""
    _check_paths(config, synthetic="gaze.h5", real="real_gaze.h5")
    return Pair(open_h5(config.synthetic, look_vec=config.look_vec), open_h5(config.real))


def choose_subjects(known: Sequence[str], subjects: str, test_subjects: str, place: str) -> tuple[list[str], list[str]]:
    """Return whom to train on and whom to test on. Raises `GantoolError` for a person who is not there, or is in both."""
    chosen: list[list[str]] = []
    for option, text in (("subjects", subjects), ("test_subjects", test_subjects)):
        words = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
        for word in words:
            if word not in known:
                raise GantoolError(f"dataset.{option}: {place} has no subject {word!r}; it has: {', '.join(known)}")
        chosen.append(words)
    train, test = chosen
    both = [subject for subject in train if subject in test]
    if both:
        raise GantoolError(f"subject {both[0]} is in dataset.subjects and in dataset.test_subjects: take it out of one")
    train = train or [subject for subject in known if subject not in test]
    if not train:
        raise GantoolError(f"dataset.test_subjects names all {len(known)} subjects of {place}: leave some to train on")
    return train, test


_UNITYEYES = "the folder that UnityEyes wrote N.jpg and N.json into"


def _check_paths(config: MPIIGazeOptions | ColumbiaOptions | H5Options, **wanted: str) -> None:
    for option, what in wanted.items():
        if not getattr(config, option):
            raise GantoolError(f"--{option} is missing: give {what}")
