"""Estimators from scikit-learn, on images averaged down to a coarse grid: Table 3 of the paper compares with such.

All draw no random numbers but the forest, so the others give the same in every repeat.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import MissingExtra
from .estimator_options import AdaptiveLinearOptions, ForestOptions, NearestOptions, SVROptions


class _OnGrid:
    """An estimator of scikit-learn on features of the pixels. See `gantool.components.Estimator`."""

    def __init__(self, make: Callable[[bool], Any], *, outputs: int, grid: tuple[int, int]) -> None:
        self._make, self._outputs, self._grid = make, outputs, grid
        self._model: Any = None

    def fit(self, images: Tensor, targets: Tensor) -> None:
        """See `gantool.components.Estimator.fit`."""
        classes = not targets.is_floating_point()
        self._model = self._make(classes)
        self._model.fit(features(images, self._grid), targets.cpu().numpy())

    def predict(self, images: Tensor) -> Tensor:
        """See `gantool.components.Estimator.predict`."""
        inputs = features(images, self._grid)
        predicted = torch.from_numpy(np.asarray(self._model.predict(inputs)))
        if not predicted.is_floating_point():
            return torch.nn.functional.one_hot(predicted, self._outputs).float()
        return predicted.float().reshape(len(inputs), -1)


class AdaptiveLinear:
    """Each image as a sparse mixture of training images, found with an L1 penalty; the prediction mixes their targets likewise.

    The idea of Lu et al., *Adaptive linear regression for appearance-based gaze estimation* (PAMI 2014), on mean brightnesses
    of a coarse grid. Theirs minimises the L1 norm under a bound on the residual; here it is a penalty (the lasso), and a
    constant feature keeps the weights' sum near 1. Their alignment and blink detection are left out.
    """

    def __init__(self, config: AdaptiveLinearOptions, outputs: int) -> None:
        self._config, self._outputs = config, outputs
        self._dictionary: np.ndarray = np.empty((0, 0))
        self._targets: np.ndarray = np.empty((0, 0))

    def fit(self, images: Tensor, targets: Tensor) -> None:
        """See `gantool.components.Estimator.fit`."""
        self._dictionary = self._features(images)
        one_hot = targets if targets.is_floating_point() else torch.nn.functional.one_hot(targets, self._outputs)
        self._targets = one_hot.float().cpu().numpy()

    def predict(self, images: Tensor) -> Tensor:
        """See `gantool.components.Estimator.predict`."""
        from sklearn.decomposition import sparse_encode

        weights = sparse_encode(
            self._features(images), self._dictionary, algorithm="lasso_lars", alpha=self._config.sparsity, max_iter=200
        )
        return torch.from_numpy((weights @ self._targets).astype(np.float32))

    def _features(self, images: Tensor) -> np.ndarray:
        rows = features(images, self._config.grid)
        return np.concatenate((rows, np.ones((len(rows), 1), rows.dtype)), axis=1)


def features(images: Tensor, grid: tuple[int, int]) -> np.ndarray:
    """(N, C, H, W) to (N, C · h · w) float64: mean brightnesses of a grid (h, w), no finer than the image."""
    size = (min(grid[0], images.shape[2]), min(grid[1], images.shape[3]))
    means: np.ndarray = torch.nn.functional.adaptive_avg_pool2d(images, size).flatten(1).double().cpu().numpy()
    return means


def _need_sklearn(name: str) -> None:
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise MissingExtra(f"estimator {name}", "scikit-learn", "evaluate") from None


def nearest(*, config: NearestOptions, outputs: int, seed: int) -> _OnGrid:  # noqa: ARG001 - draws nothing
    """Make k nearest neighbours, weighted by closeness. See `gantool.hookspecs.gantool_estimators`."""
    _need_sklearn("knn")
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    def make(classes: bool) -> Any:
        return (KNeighborsClassifier if classes else KNeighborsRegressor)(config.neighbours, weights="distance")

    return _OnGrid(make, outputs=outputs, grid=config.grid)


def svr(*, config: SVROptions, outputs: int, seed: int) -> _OnGrid:  # noqa: ARG001 - draws nothing
    """Make a support vector machine: one regression per output, or a classifier."""
    _need_sklearn("svr")
    from sklearn.multioutput import MultiOutputRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, SVR

    def make(classes: bool) -> Any:
        if classes:
            return make_pipeline(StandardScaler(), SVC(C=config.c, kernel=config.kernel))
        return make_pipeline(StandardScaler(), MultiOutputRegressor(SVR(C=config.c, kernel=config.kernel)))

    return _OnGrid(make, outputs=outputs, grid=config.grid)


def forest(*, config: ForestOptions, outputs: int, seed: int) -> _OnGrid:
    """Make a random forest."""
    _need_sklearn("forest")
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    def make(classes: bool) -> Any:
        kind = RandomForestClassifier if classes else RandomForestRegressor
        return kind(config.trees, random_state=seed, max_features="sqrt")

    return _OnGrid(make, outputs=outputs, grid=config.grid)


def adaptive_linear(*, config: AdaptiveLinearOptions, outputs: int, seed: int) -> AdaptiveLinear:  # noqa: ARG001
    """Make adaptive linear regression."""
    _need_sklearn("alr")
    return AdaptiveLinear(config, outputs)
