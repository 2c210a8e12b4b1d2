from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from gantool.data.scenes import Column
from gantool.errors import GantoolError
from gantool.evaluation.meaning import settle_meaning
from gantool.plan.settings import EvaluateSettings
from gantool.plugins import load_plugins

pytest.importorskip("pycocotools")
REGISTRY = load_plugins()


def domain(name, *, labels=None, **columns):
    return SimpleNamespace(name=name, labels=labels or {}, columns=columns)


def column(kind, names=(), problem=""):
    return Column(kind, names, 3, lambda row: np.array([[row - 1, 0]], np.int16), problem)


def settle(synthetic, real, *, real_first=False, own_sizes=True, **settings):
    return settle_meaning(EvaluateSettings(**settings), REGISTRY, {}, (synthetic, real), size=(8, 9), own_sizes=own_sizes, crop=False, real_first=real_first)  # fmt: skip


def test_classes_meet_by_their_names_and_what_one_side_lacks_is_said():
    meaning = settle(domain("renders", objects=column("objects", ("a", "b", "x"))), domain("photos", objects=column("outlines", ("b", "a", "c"))))  # fmt: skip
    assert meaning.labels.names == ("a", "b")
    assert meaning.labels.kind == "objects"
    assert meaning.labels.size is None
    assert list(meaning.notes[1:]) == [
        "task: detection, by the kind of objects",
        "left out: class x, which renders alone has",
        "left out: class c, which photos alone has",
    ]
    with pytest.raises(GantoolError, match="no class has one name in both domains: renders has a; photos has b"):
        settle(domain("renders", objects=column("objects", ("a",))), domain("photos", objects=column("objects", ("b",))))


def test_objects_come_first_where_there_are_several():
    several = {"depth": column("depth"), "objects": column("objects", ("a",))}
    meaning = settle(domain("renders", **several), domain("photos", **several))
    assert meaning.labels.name == "objects"
    assert meaning.notes[0] == "labels: objects, of depth, objects: --labels chooses"
    with pytest.raises(GantoolError, match="both domains have several labels: pass --labels NAME, one of: age, size"):
        settle(*(domain(name, labels={"age": np.ones(3), "size": np.ones(3)}) for name in ("renders", "photos")))


def test_what_a_column_lacks_is_said():
    with pytest.raises(GantoolError, match="2 of 3 images have no labels"):
        settle(domain("renders", objects=column("objects", ("a",))), domain("photos", objects=column("objects", ("a",), "photos: 2 of 3 images have no labels")))  # fmt: skip
    with pytest.raises(GantoolError, match="labels seg differ: classes for the synthetic images, depth for the real ones"):
        settle(domain("renders", seg=column("classes", ("a",))), domain("photos", seg=column("depth")))


@pytest.mark.parametrize(("factor", "noted"), [(57.3, True), (2, False)])
def test_degrees_against_radians_are_noted(factor, noted):
    angles = np.random.default_rng(0).normal(size=(50, 2))
    meaning = settle(domain("renders", labels={"pitch_yaw": angles}), domain("photos", labels={"pitch_yaw": angles * factor}))
    assert any("degrees in one domain" in note for note in meaning.notes) is noted
    assert meaning.labels.size == (8, 9)
