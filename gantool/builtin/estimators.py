"""The built-in estimators: a small CNN, and those of scikit-learn on images averaged down to a coarse grid, with which Table 3 of
the paper compares.

The latter draw no random numbers but for the forest, so they give the same in every repeat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import require
from ..evaluation.neural import NeuralEstimator
from .part_options import AdaptiveLinearOptions, ForestOptions, NearestOptions, SVROptions


class SmallCNN(NeuralEstimator):
    """A LeNet-like CNN: seconds to train on one CPU core."""

    def network(self, shape: tuple[int, int, int]) -> nn.Module:
        """Three convolutions and two linear layers; the last pooling adapts to any size."""
        features = nn.Sequential(
            *(nn.Conv2d(shape[0], 16, 5, 2, 2), nn.ReLU()),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)),
            *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)),
            # Larger pictures would make the linear layer huge; small ones pass unchanged.
            *([nn.AdaptiveAvgPool2d((8, 8))] if max(shape[1:]) > 128 else []),
            nn.Flatten(),
        )
        width = features(torch.zeros(1, *shape)).shape[1]
        return nn.Sequential(features, nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, self.outputs))


class _OnGrid:
    """An estimator of scikit-learn on mean brightnesses of a grid. Raises `MissingExtra`."""

    def __init__(self, *, config: Any, outputs: int, seed: int) -> None:
        require(f"estimator {type(self).__name__.lower()}", "evaluate", "sklearn")
        self._config, self._outputs, self._seed = config, outputs, seed
        self._model: Any = None

    def make(self, *, classes: bool) -> Any:
        """A model with `fit` and `predict` on rows, (n, D)."""
        raise NotImplementedError

    def fit(self, images: Tensor, targets: Tensor) -> None:
        """Learn anew from (N, C, H, W) and (N, outputs) numbers or (N,) classes."""
        self._model = self.make(classes=not targets.is_floating_point())
        self._model.fit(self._means(images), targets.cpu().numpy())

    def predict(self, images: Tensor) -> Tensor:
        """(N, C, H, W) to (N, outputs): numbers, or scores of classes."""
        predicted = torch.from_numpy(np.asarray(self._model.predict(self._means(images))))
        if not predicted.is_floating_point():
            return F.one_hot(predicted, self._outputs).float()
        return predicted.float().reshape(len(images), -1)

    def _means(self, images: Tensor) -> np.ndarray:
        """(N, C, H, W) to (N, C · h · w) float64: mean brightnesses of a grid (h, w), no finer than the image."""
        size = tuple(min(sides) for sides in zip(self._config.grid, images.shape[2:], strict=True))
        means: np.ndarray = F.adaptive_avg_pool2d(images, size).flatten(1).double().cpu().numpy()
        return means


class KNN(_OnGrid):
    """k nearest neighbours, weighted by closeness."""

    _config: NearestOptions

    def make(self, *, classes: bool) -> Any:
        """Neighbours that vote for a class, or whose values are averaged."""
        from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

        return (KNeighborsClassifier if classes else KNeighborsRegressor)(self._config.neighbours, weights="distance")


class SVR(_OnGrid):
    """A support vector machine."""

    _config: SVROptions

    def make(self, *, classes: bool) -> Any:
        """One regression per output, or a classifier."""
        from sklearn import svm
        from sklearn.multioutput import MultiOutputRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        one = (svm.SVC if classes else svm.SVR)(C=self._config.c, kernel=self._config.kernel)
        return make_pipeline(StandardScaler(), one if classes else MultiOutputRegressor(one))


class Forest(_OnGrid):
    """A random forest."""

    _config: ForestOptions

    def make(self, *, classes: bool) -> Any:
        """Trees that vote, or whose values are averaged."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        kind = RandomForestClassifier if classes else RandomForestRegressor
        return kind(self._config.trees, random_state=self._seed, max_features="sqrt")


class ALR(_OnGrid):
    """Each image as a sparse mixture of training images, found with an L1 penalty; the prediction mixes their targets likewise.

    The idea of Lu et al., *Adaptive linear regression for appearance-based gaze estimation* (PAMI 2014), on mean brightnesses
    of a coarse grid. Theirs minimises the L1 norm under a bound on the residual; here it is a penalty (the lasso), and a
    constant feature keeps the weights' sum near 1. Their alignment and blink detection are left out.
    """

    _config: AdaptiveLinearOptions

    def make(self, *, classes: bool) -> Any:
        """Mixtures of targets, or of classes as ones among zeros."""
        return _Mixtures(self._config.sparsity, self._outputs if classes else 0)


class _Mixtures:
    """Sparse mixtures of what was learnt. `classes`: how many there are; 0 where targets are numbers."""

    def __init__(self, sparsity: float, classes: int) -> None:
        self._sparsity, self._classes = sparsity, classes

    def fit(self, rows: np.ndarray, targets: np.ndarray) -> None:
        self._dictionary = self._with_constant(rows)
        self._targets = np.eye(self._classes, dtype=np.float32)[targets] if self._classes else targets

    def predict(self, rows: np.ndarray) -> np.ndarray:
        from sklearn.decomposition import sparse_encode

        settings: dict[str, Any] = {"algorithm": "lasso_lars", "alpha": self._sparsity, "max_iter": 200}
        mixed: np.ndarray = sparse_encode(self._with_constant(rows), self._dictionary, **settings) @ self._targets
        return mixed

    def _with_constant(self, rows: np.ndarray) -> np.ndarray:
        return np.concatenate((rows, np.ones((len(rows), 1), rows.dtype)), axis=1)
