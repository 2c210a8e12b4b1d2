from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from gantool.builtin.part_options import SmallCNNOptions
from gantool.errors import GantoolError
from gantool.evaluation.downstream import choose
from gantool.evaluation.neural import NeuralEstimator
from gantool.plugins import load_plugins

pytest.importorskip("sklearn")

REGISTRY = load_plugins()
NAMES = [provided.full_name for provided in REGISTRY.all("estimator")]
OPTIONS = {
    "gantool:small-cnn": {"steps": 60, "batch_size": 32},
    "gantool:knn": {"neighbours": 5},
    "gantool:forest": {"trees": 10},
    "simgan:gaze-cnn": {"steps": 10, "batch_size": 8},
}
LEARN = [each.full_name for each in REGISTRY.all("estimator") if each.plugin == "gantool" and not each.record.provides]
"""Those of numbers and classes. Those of plugins have tests there: some take key points only, or seconds to learn anything."""
NUMBERS = REGISTRY.find("task", "regression")


def data(count, *, classes=False, seed=0):
    """(N, 1, 19, 20) images with a bright bar, and where it is: (N, 2) numbers or (N,) one of three places."""
    generator = torch.Generator().manual_seed(seed)
    at = torch.randint(2, 17, (count,), generator=generator)
    images = torch.randn(count, 1, 19, 20, generator=generator) * 0.05 - 0.5
    images[torch.arange(count), :, :, at] = 0.5
    place = (at.float() - 9) / 4.5
    return images, (at // 6 if classes else torch.stack((place, -place), 1))


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("name", LEARN)
def test_it_learns_and_follows_its_seed(name, classes):
    chosen = choose(REGISTRY, name, OPTIONS.get(name, {}), NUMBERS)
    outputs = 3 if classes else 2
    (images, targets), (test, truth) = data(160, classes=classes), data(40, classes=classes, seed=1)

    def predict(seed):
        estimator = chosen.build(outputs=outputs, seed=seed)
        estimator.fit(images, targets)
        return estimator.predict(test)

    state = torch.random.get_rng_state()
    predicted = predict(0)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert predicted.shape == (40, outputs)
    assert predicted.dtype == torch.float32
    assert torch.equal(predicted, predict(0))
    if classes:
        assert (predicted.argmax(1) == truth).float().mean() > 0.7
    else:
        assert (predicted - truth).square().mean() < 0.5 * truth.square().mean()
    if name in ("gantool:small-cnn", "gantool:forest") and not classes:
        assert not torch.equal(predicted, predict(1))


@pytest.mark.parametrize("name", [name for name in LEARN if name != "gantool:small-cnn"])
def test_a_class_that_training_lacks_gets_no_score(name):
    images, targets = data(60, classes=True)
    kept = targets != 1
    estimator = choose(REGISTRY, name, OPTIONS.get(name, {}), NUMBERS).build(outputs=3, seed=0)
    estimator.fit(images[kept], targets[kept])
    assert (estimator.predict(images)[:, 1] == 0).all()


def test_every_estimator_has_a_summary_and_names_of_the_paper_are_there():
    assert {"gantool:small-cnn", "gantool:knn", "gantool:svr", "gantool:forest", "gantool:alr", "simgan:gaze-cnn"} <= set(NAMES)
    assert all(provided.record.summary for provided in REGISTRY.all("estimator"))


def test_effort_does_not_depend_on_the_number_of_images():
    seen = []

    class Net(torch.nn.Linear):
        def forward(self, images):
            seen.append(len(images))
            return super().forward(images.flatten(1))

    class Linear(NeuralEstimator):
        def network(self, shape):
            return Net(math.prod(shape), self.outputs)

    config = SmallCNNOptions(steps=12, batch_size=16, learning_rate=1e-3)
    for count in (7, 40, 400):
        seen.clear()
        Linear(config=config, outputs=2, seed=0).fit(*data(count))
        assert seen == [min(count, 16)] * 12


def test_the_gaze_cnn_is_the_papers():
    estimator = choose(REGISTRY, "gaze-cnn", OPTIONS["simgan:gaze-cnn"], NUMBERS).build(outputs=3, seed=0)
    linear = [layer for layer in estimator.network((1, 35, 55)).modules() if isinstance(layer, torch.nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == [(9600, 1000), (1000, 3)]
    estimator = choose(REGISTRY, "gaze-cnn", OPTIONS["simgan:gaze-cnn"], NUMBERS).build(outputs=2, seed=0)
    estimator.fit(*data(8))
    assert estimator.predict(data(3)[0]).shape == (3, 2)
    with pytest.raises(ValueError, match="at least 19x19 pixels, got 18x40"):
        estimator.network((1, 18, 40))


def test_options_are_checked():
    chosen = choose(REGISTRY, "small-cnn", {"steps": 20}, NUMBERS)
    assert dataclasses.asdict(chosen.config)["steps"] == 20
    with pytest.raises(GantoolError, match=r"no option estimator\.step; did you mean 'steps'"):
        choose(REGISTRY, "small-cnn", {"step": 20}, NUMBERS)
    with pytest.raises(GantoolError, match=r"no estimator 'small-cn'; did you mean 'small-cnn'"):
        choose(REGISTRY, "small-cn", {}, NUMBERS)


def test_an_estimator_is_for_the_task():
    detection = REGISTRY.find("task", "detection")
    assert choose(REGISTRY, "auto", {}, NUMBERS).component == "gantool:small-cnn"
    assert choose(REGISTRY, "auto", {}, detection).component == "gantool:heatmap-detector"
    with pytest.raises(GantoolError, match="--estimator knn is not for --task detection: take one of gantool:heatmap-detector"):
        choose(REGISTRY, "knn", {}, detection)
    with pytest.raises(
        GantoolError, match="--estimator heatmap-detector is not for --task regression: take one of gantool:small"
    ):
        choose(REGISTRY, "heatmap-detector", {}, NUMBERS)


def test_what_is_no_estimator_is_named():
    chosen = choose(REGISTRY, "types:SimpleNamespace", {}, NUMBERS)
    with pytest.raises(
        GantoolError, match=r"estimator types:SimpleNamespace made a SimpleNamespace, which lacks fit and predict"
    ):
        chosen.build(outputs=2, seed=0)
