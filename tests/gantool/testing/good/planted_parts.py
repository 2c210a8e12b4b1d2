"""What the records of `planted_good` name."""

from __future__ import annotations

import click
import numpy as np
import torch
from torch import nn

from gantool.conditioning import Modulation
from gantool.evaluation.tasks import NumbersTask
from gantool.noise import default_noise


class Generator(nn.Module):
    def __init__(self, *, config, channels):
        super().__init__()
        self.first = nn.Conv2d(channels.images, config.width, 3, padding=1)
        self.last = nn.Conv2d(config.width, channels.images, 3, padding=1)
        self.modulation = Modulation(channels, channels.images) if channels.conditions else None

    noise_channels = 1

    def forward(self, x, *, conditions=None, noise=None):
        noise = default_noise(1, x) if noise is None else noise
        x = self.first(x)
        x = self.last(x.relu())
        if conditions:
            x = self.modulation(x, conditions)
        x = x + 0.1 * noise
        return x.tanh()

    def features(self, x):
        return (self.first(x),)


class Discriminator(nn.Module):
    def __init__(self, *, config, channels):
        super().__init__()
        self.first = nn.Conv2d(channels.images, 2 * config.width, 3, stride=2, padding=1)
        self.last = nn.Conv2d(2 * config.width, 1, 3, padding=1)

    def forward(self, x):
        x = nn.functional.leaky_relu(self.first(x))
        return self.last(x)


class Moments(nn.Module):
    """Means and variances of learnt maps, and the maps."""

    def __init__(self, *, config, channels):
        super().__init__()
        self.maps = nn.Conv2d(channels.images, config.width, 3, padding=1)

    def forward(self, x):
        maps = self.maps(x)
        return maps.mean(dim=(2, 3)), maps.var(dim=(2, 3)), maps


def check_logits(*logits):
    for each in logits:
        if each.ndim != 4 or each.shape[1:] != (1, *logits[0].shape[2:]):
            raise ValueError("logits do not fit")


class Squares:
    def __init__(self, *, config):
        pass

    def discriminator(self, real, fake):
        check_logits(real, fake)
        return (real - 1).square().mean() + fake.square().mean()

    def generator(self, fake):
        check_logits(fake)
        return (fake - 1).square().mean()


class Penalised(Squares):
    def penalty(self, discriminator, real, fake):
        middle = ((real + fake) / 2).detach().requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(middle).sum(), middle, create_graph=True)
        return slope.square().mean()


class Distance:
    def __init__(self, *, config):
        pass

    def __call__(self, a, b):
        if a.ndim != 4 or a.shape != b.shape:
            raise ValueError("images do not fit")
        return (a - b).square().mean()


class Swap:
    """Holds up to 8 images, gives back one of them in each exchange."""

    def __init__(self, *, config, generator):
        self.generator = generator
        self.images = None

    def exchange(self, fresh):
        fresh = fresh.detach()
        result = fresh.clone()
        old = fresh[:0].clone() if self.images is None else self.images
        if len(old):
            result[0] = old[torch.randint(len(old), (), generator=self.generator)]
        self.images = torch.cat((old, fresh))[-8:]
        return result

    def state_dict(self):
        return {"images": self.images, "generator": self.generator.get_state()}

    def load_state_dict(self, state):
        self.images = state["images"]
        self.generator.set_state(state["generator"])


class Ramp:
    def __init__(self, shift):
        self.shift = shift
        self.labels = {"brightness": np.arange(10) * 10}

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return np.full((20, 24, 3), index * 10 + self.shift, dtype=np.uint8)

    def block(self, start, stop):
        return [self[index] for index in range(start, stop)]


class Ramps:
    def __init__(self, *, config):
        self.source, self.target = Ramp(0), Ramp(100)


class Stream:
    def stream(self, *, seed, skip):
        generator = np.random.default_rng(seed)
        number = 0
        while True:
            image = generator.integers(0, 255, (20, 24, 3), dtype=np.uint8)
            if number >= skip:
                yield image
            number += 1


class Streams:
    def __init__(self, *, config):
        self.source, self.target = Stream(), Stream()


class Gap:
    """Distance of the mean horizontal and vertical contrast."""

    def __init__(self, *, config):
        self.seen = [[], []]

    def update(self, refined, target):
        for images, seen in zip((refined, target), self.seen, strict=True):
            contrast = [images.diff(dim=dim).abs().mean(dim=(1, 2, 3)) for dim in (2, 3)]
            seen.append(torch.stack([*contrast, images.mean(dim=(1, 2, 3))]))

    def compute(self):
        if not self.seen[0]:
            raise ValueError("no images")
        refined, target = (torch.cat(seen, dim=1).mean(dim=1) for seen in self.seen)
        return {"gap": float((refined - target).abs().mean())}


class Linear:
    """Least squares on mean brightness."""

    def __init__(self, *, config, outputs, seed):
        self.outputs = outputs

    def fit(self, images, targets):
        if targets.ndim == 1:
            targets = nn.functional.one_hot(targets, self.outputs).float()
        self.weights = torch.linalg.lstsq(self.features(images), targets).solution

    def predict(self, images):
        return self.features(images) @ self.weights

    def features(self, images):
        mean = images.mean(dim=(1, 2, 3))
        return torch.stack((mean, torch.ones_like(mean)), dim=1)


class Spread(NumbersTask):
    """Directions and the like, by their greatest deviation."""

    wants = "several numbers"

    def fits(self, shape):
        return len(shape) == 1

    def errors(self, predicted, targets):
        return (predicted.double() - targets).abs().amax(1)

    def picture(self, image, row):
        drawn = image.copy()
        drawn[: int(row.abs().sum()) + 1] = 0
        return drawn


class Lines:
    def __init__(self, *, config):
        self.file = None

    def log(self, event):
        if event.kind == "start":
            self.file = (event.run / "lines.txt").open("a")
        self.file.write(f"{event.step} {dict(event.values)}\n")

    def close(self):
        if self.file is not None:
            self.file.close()


@click.command()
def greet():
    """Say good day."""
    click.echo("Good day")


class Both:
    def __init__(self, *, config, parts):
        self.parts = parts
        self.noise = torch.Generator().manual_seed(0)

    def setup(self, setup):
        self.optimizers = {name: torch.optim.Adam(self.parts[name].parameters()) for name in ("generator", "discriminator")}

    def length(self, steps):
        return steps + 3

    def phase(self, step):
        return "warm-up" if step < 3 else "adversarial"

    def step(self, step, draw):
        source, target = draw.source().images, draw.target().images
        fake = self.parts["generator"](source)
        if step < 3:
            loss = (fake - source).square().mean()
        else:
            judge = self.parts["discriminator"]
            jitter = 0.01 * torch.randn(target.shape, generator=self.noise)
            judged = self.parts["loss"].discriminator(judge(target + jitter), judge(self.parts["buffer"].exchange(fake)))
            self.update("discriminator", judged)
            loss = self.parts["loss"].generator(judge(fake))
        self.update("generator", loss)
        return {"loss": loss.detach()}

    def update(self, name, loss):
        self.optimizers[name].zero_grad()
        loss.backward()
        self.optimizers[name].step()

    @torch.no_grad()
    def refine(self, batch):
        return self.parts["generator"](batch.images)

    def generator(self):
        return self.parts["generator"]

    def state_dict(self):
        parts = {name: self.parts[name].state_dict() for name in ("generator", "discriminator", "buffer")}
        optimizers = {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()}
        return {"parts": parts, "optimizers": optimizers, "noise": self.noise.get_state()}

    def load_state_dict(self, state):
        for name, own in state["parts"].items():
            self.parts[name].load_state_dict(own)
        for name, own in state["optimizers"].items():
            self.optimizers[name].load_state_dict(own)
        self.noise.set_state(state["noise"])
