"""The names of arms, with what help says of them. No torch."""

from __future__ import annotations

ARMS = {
    "synthetic": "synthetic images as they are, which the others are compared with",
    "refined": "synthetic images refined by the run",
    "mix": "half of them refined, half as they are",
    "histogram-matching": "synthetic images with the histogram of a random unlabelled real one (albumentations)",
    "equalize": "synthetic and real images with equalised histograms",
    "pixel-distribution": "synthetic images with the mean and spread of a random unlabelled real one",
    "fda": "Fourier Domain Adaptation to a random unlabelled real image (albumentations)",
    "photometric": "synthetic images with random gamma, contrast, brightness, blur and noise",
    "real": "real images with labels: the ceiling",
}
"""Name: which images the estimator learns from. The order is that of the table."""
