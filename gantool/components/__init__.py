"""What plugins describe (light frozen records) and what the host then builds from them (protocols).

A record never holds a network: its `factory` is a string, `"package.module:callable"`, imported only when a run needs it.
That keeps listing, planning and `--help` free of torch.
"""

from .channels import Channels
from .domains import Domain, Domains, Pair, StreamingDomain
from .judging import (
    Estimator,
    ImageSet,
    KeypointEstimator,
    Labels,
    LabelsMetric,
    MapEstimator,
    Metric,
    ObjectEstimator,
    SourceMetric,
    Task,
)
from .parts import AdversarialLoss, Features, PairLoss, Penalty, Relativistic, ReplayBuffer
from .records import Component, Figure, Format, NoOptions, Recipe, Slot
from .training import Batch, Draw, Event, Logger, Setup, TrainingRecipe

__all__ = [
    "AdversarialLoss",
    "Batch",
    "Channels",
    "Component",
    "Domain",
    "Domains",
    "Draw",
    "Estimator",
    "Event",
    "Features",
    "Figure",
    "Format",
    "ImageSet",
    "KeypointEstimator",
    "Labels",
    "LabelsMetric",
    "Logger",
    "MapEstimator",
    "Metric",
    "NoOptions",
    "ObjectEstimator",
    "Pair",
    "PairLoss",
    "Penalty",
    "Recipe",
    "Relativistic",
    "ReplayBuffer",
    "Setup",
    "Slot",
    "SourceMetric",
    "StreamingDomain",
    "Task",
    "TrainingRecipe",
]
