"""A plugin without a fault passes every check, and each planted fault is caught by the check that is there for it."""

from __future__ import annotations

import pytest

from gantool.components import KINDS
from gantool.testing import Fault, collect

FAULTS = {
    # Descriptions
    "torch in the description": (
        "plugin-imports-no-torch",
        ("from dataclasses import dataclass\n", "from dataclasses import dataclass\nimport torch\n"),
        "plugin 'good' (gantool-good 1.0): its description imports torch, at ",
    ),
    "a factory that does not exist": (
        "generator-net-factory-can-be-imported",
        ("planted_parts:Generator", "planted_parts:Generater"),
        "generator 'net': cannot import 'planted_parts:Generater'",
    ),
    "a default out of bounds": (
        "generator-net-defaults-validate",
        ("Ge(1)] = 4", "Ge(5)] = 4"),
        "generator 'net': validating the defaults of Width raised GantoolError: width: input should be greater than or equal to 5",
    ),
    "an option without a docstring": (
        "generator-net-options-are-explained",
        ('    """Feature maps."""\n', ""),
        "generator 'net': the option width of Width has no docstring",
    ),
    "an observer that raises": (
        "observes-every-event",
        ("str(event.path)", "event.path.name"),
        "gantool_log: raised AttributeError: 'NoneType' object has no attribute 'name' for an event of kind 'start'",
    ),
    # Generators
    "a size that is rounded": (
        "generator-net-keeps-the-size",
        ("        return x.tanh()", "        return nn.functional.interpolate(x.tanh()[..., ::2, ::2], scale_factor=2)"),
        "generator 'net': images of (1, 3, 33, 43) give (1, 3, 34, 44)",
    ),
    "no bounded last layer": (
        "generator-net-stays-in-range",
        ("        return x.tanh()", "        return x"),
        "generator 'net': its result leaves [-1, 1]",
    ),
    "a weight that is not used": (
        "generator-net-gradients-reach-everything",
        ("        x = self.first(x)\n        x = self.last", "        x = self.first(x).detach()\n        x = self.last"),
        "generator 'net': no gradient reaches the parameter first.weight, first.bias",
    ),
    "noise in eval mode": (
        "generator-net-is-deterministic-in-eval",
        ("return x.tanh()", "return (x + 0.1 * torch.randn_like(x)).tanh()"),
        "generator 'net': in eval mode it gives two results for one image",
    ),
    "state that is no buffer": (
        "generator-net-state-survives-safetensors",
        (
            "config.width, out_channels, 3, padding=1)",
            "config.width, out_channels, 3, padding=1)\n        self.bias = torch.rand(1)",
        ),
        ("return x.tanh()", "return (x + self.bias).tanh()"),
        "generator 'net': after its state_dict was saved and loaded it computes something else",
    ),
    "a cast to float32": (
        "generator-net-runs-in-other-precisions",
        ("return x.tanh()", "return x.tanh().float()"),
        "generator 'net': as float64 it returns torch.float32",
    ),
    "an input that is changed": (
        "generator-net-leaves-its-input-alone",
        ("x = self.first(x)\n        x = self.last", "x = self.first(x.mul_(0.5))\n        x = self.last"),
        "generator 'net': it changes the images that it is given",
    ),
    "channels that are refused": (
        "generator-net-keeps-the-size",
        ("self.first = nn.Conv2d(in_channels, config", "raise ValueError('five only')\n        self.first = nn.Conv2d(5, config"),
        "generator 'net': it takes images of neither 3 nor 1 channels (five only)",
    ),
    "features in a row": (
        "generator-net-features-are-maps",
        ("return (self.first(x),)", "return (self.first(x).flatten(1),)"),
        "generator 'net': features[0] of 2 images has shape (2, 5120), not (2, C, h, w)",
    ),
    # Discriminators
    "a sigmoid": (
        "discriminator-judge-learns-raw-logits-where-higher-is-real",
        ("return self.last(x)", "return self.last(x).sigmoid()"),
        "it must give raw logits, with no sigmoid",
    ),
    "a flat result": (
        "discriminator-judge-gives-one-map",
        ("return self.last(x)", "return self.last(x).mean(dim=(1, 2, 3))"),
        "discriminator 'judge': images of (2, 3, 32, 40) give (2,), not (2, 1, h, w)",
    ),
    "batch statistics in eval mode": (
        "discriminator-judge-rows-are-independent-in-eval",
        ("return self.last(x)", "return self.last(x - x.mean(dim=0, keepdim=True))"),
        "discriminator 'judge': in eval mode the result for an image depends on the other images",
    ),
    # Losses
    "no capability": (
        "loss-squares-names-its-family",
        (':Squares", provides=frozenset({"adversarial"}))', ':Squares")'),
        "loss 'squares': it provides nothing",
    ),
    "a loss per image": (
        "loss-squares-gives-one-figure",
        ("return (fake - 1).square().mean()", "return (fake - 1).square().mean(dim=(1, 2, 3))"),
        "loss 'squares': .generator returned a tensor of shape (3,), not a 0-d tensor",
    ),
    "a loss that calls backward": (
        "loss-distance-gives-one-figure",
        (
            "        return (a - b).square().mean()",
            "        (a - b).square().mean().backward()\n        return (a - b).square().mean()",
        ),
        "loss 'distance': it calls backward",
    ),
    "a detached loss": (
        "loss-distance-gives-one-figure",
        ("return (a - b).square().mean()", "return (a - b).square().mean().detach()"),
        "loss 'distance': it has no gradient: it is detached",
    ),
    "a wrong gradient": (
        "loss-distance-gradient-is-right",
        ("return (a - b).square().mean()", "return (a - b.detach()).square().mean() + 0 * b.sum()"),
        "loss 'distance': gradcheck of it raised GradcheckError",
    ),
    "broadcasting": (
        "loss-distance-refuses-shapes-that-do-not-fit",
        ("if a.ndim != 4 or a.shape != b.shape:", "if a.ndim != 4:"),
        "loss 'distance': it accepts shapes (2, 3, 32, 40) and (1, 3, 32, 40); it must raise ValueError",
    ),
    "an overflow": (
        "loss-squares-stays-finite",
        ("return (fake - 1).square().mean()", "return (1 + (-fake).exp()).log().mean()"),
        "loss 'squares': .generator is not finite for logits of -200",
    ),
    "the wrong sign": (
        "loss-squares-higher-is-real",
        ("return (fake - 1).square().mean()", "return (fake + 1).square().mean()"),
        "loss 'squares': .generator does not fall when fake logits rise",
    ),
    "arguments exchanged": (
        "loss-squares-higher-is-real",
        ("def discriminator(self, real, fake)", "def discriminator(self, fake, real)"),
        "loss 'squares': .discriminator does not fall when real logits rise",
    ),
    "a similarity": (
        "loss-distance-is-a-distance",
        ("return (a - b).square().mean()", "return -(a - b).square().mean()"),
        "loss 'distance': a distance cannot be negative",
    ),
    "a penalty without create_graph": (
        "loss-wasserstein-penalty-teaches-the-discriminator",
        (", create_graph=True", ""),
        "loss 'wasserstein': .penalty has no gradient to the discriminator: create_graph=True is missing",
    ),
    # Buffers
    "rows from nowhere": (
        "buffer-swap-gives-rows-that-it-was-given",
        ("        return result\n\n    def state_dict", "        return result.flip(0) + 0.25\n\n    def state_dict"),
        "buffer 'swap': a row that it returned was never given to it",
    ),
    "a graph that is kept": (
        "buffer-swap-detaches",
        ("        fresh = fresh.detach()\n", ""),
        "buffer 'swap': its result still has the graph of the generator",
    ),
    "the caller's tensors": (
        "buffer-swap-owns-what-it-holds",
        ("self.images = torch.cat((old, fresh))[-8:]", "self.images = fresh"),
        "buffer 'swap': it holds the caller's own tensors",
    ),
    "global randomness": (
        "buffer-swap-draws-from-its-generator-only",
        (", generator=self.generator)]", ")]"),
        "buffer 'swap': it draws from a global random generator (torch)",
    ),
    "draws that are forgotten": (
        "buffer-swap-resumes-exactly",
        ('        self.generator.set_state(state["generator"])\n', ""),
        "buffer 'swap': after its state was saved and loaded it returns other images",
    ),
    "memory without end": (
        "buffer-swap-memory-is-bounded",
        ("torch.cat((old, fresh))[-8:]", "torch.cat((old, fresh))"),
        "buffer 'swap': it still grows after 25600 images",
    ),
    # Data sets
    "one domain": (
        "dataset-ramps-has-two-domains",
        ("self.source, self.target = Ramp(0), Ramp(100)", "self.source = Ramp(0)"),
        "dataset 'ramps': what its factory returns has no 'target'",
    ),
    "channels first": (
        "dataset-ramps-the-host-can-prepare-it",
        ("np.full((20, 24, 3), index", "np.full((20, 24, 3, 1), index"),
        "dataset 'ramps': preparing it for training raised",
    ),
    "floats out of range": (
        "dataset-ramps-images-are-of-one-form",
        ("dtype=np.uint8)\n\n    def block", "dtype=np.float32)\n\n    def block"),
        "dataset 'ramps': source[1] has values from 10 to 10, not in [0, 1]",
    ),
    "shapes that differ": (
        "dataset-ramps-images-are-of-one-form",
        ("np.full((20, 24, 3), index", "np.full((20 + index // 5, 24, 3), index"),
        "is (21, 24, 3) uint8, source[0] is (20, 24, 3) uint8",
    ),
    "augmentation on reading": (
        "dataset-ramps-an-item-is-always-the-same",
        ("index * 10 + self.shift, dtype", "index * 10 + self.shift + np.random.randint(9), dtype"),
        "read twice gives two different images",
    ),
    "labels of another length": (
        "dataset-ramps-labels-have-a-row-per-image",
        ("np.arange(10) * 10", "np.arange(9) * 10"),
        "dataset 'ramps': the label 'brightness' of source has 9 rows, there are 10 images",
    ),
    "a block that begins elsewhere": (
        "dataset-ramps-blocks-are-their-items",
        ("for index in range(start, stop)]", "for index in range(start - 1, stop - 1)]"),
        "dataset 'ramps': source.block(1, 8) is not the images 1 to 7",
    ),
    "a stream that ends": (
        "dataset-stream-a-stream-can-be-resumed",
        ("while True:", "while number < 20:"),
        "dataset 'stream': source.stream ends after 20 images",
    ),
    "a stream that ignores skip": (
        "dataset-stream-a-stream-can-be-resumed",
        ("if number >= skip:", "if True:"),
        "dataset 'stream': source.stream(skip=5) is not the stream without its first 5 images",
    ),
    "a stream without a seed": (
        "dataset-stream-a-stream-can-be-resumed",
        ("default_rng(seed)", "default_rng()"),
        "dataset 'stream': source.stream with one seed gives two orders",
    ),
    # Metrics
    "a verdict on nothing": (
        "metric-gap-refuses-to-judge-nothing",
        ('            raise ValueError("no images")\n', '            return {"gap": 0.0}\n'),
        "metric 'gap': compute before any update returned {'gap': 0.0}; it must raise ValueError",
    ),
    "a tensor for a figure": (
        "metric-gap-gives-finite-figures",
        ('{"gap": float((refined - target).abs().mean())}', '{"gap": (refined - target).abs().mean()}'),
        "metric 'gap': gap is a Tensor, not a float",
    ),
    "only the last batch": (
        "metric-gap-depends-on-all-batches-alike",
        ("seen.append(torch", "seen.clear()\n            seen.append(torch"),
        "with the same batches in the other order",
    ),
    "the wrong direction": (
        "metric-gap-better-is-where-it-says",
        ("lower-is-better", "higher-is-better"),
        "metric 'gap': it provides 'higher-is-better', but gives",
    ),
    "draws while judging": (
        "metric-gap-changes-nothing-else",
        ("        if not self.seen[0]:\n", "        torch.rand(1)\n        if not self.seen[0]:\n"),
        "metric 'gap': it draws from a global random generator (torch)",
    ),
    # Estimators
    "scores of one class": (
        "estimator-linear-predicts-what-it-was-fitted-to",
        ("@ self.weights", "@ self.weights[:, :1]"),
        "estimator 'linear': predict of 24 images gives (24, 1), not (24, 2), for values",
    ),
    "fitting that goes on": (
        "estimator-linear-follows-its-seed-alone",
        ("        self.weights = torch", "        self.weights = getattr(self, 'weights', 0) + torch"),
        "estimator 'linear': after fitting something else in between it predicts other values",
    ),
    "a start without a seed": (
        "estimator-linear-follows-its-seed-alone",
        (").solution", ").solution + torch.rand(2, self.outputs)"),
        "estimator 'linear': two estimators with one seed predict different values",
    ),
    # Recipes
    "a preset with an unknown option": (
        "recipe-both-all-presets-resolve",
        ("generator.width", "generator.widht"),
        "recipe 'both': resolving the preset 'wide' raised GantoolError: no option generator.widht; did you mean 'width'?",
    ),
    "no generator": (
        "recipe-both-all-presets-resolve",
        ('kind="generator", default="good:net"', 'kind="loss", default="good:distance"'),
        ('{"wide": {"generator.width": 8}}', "{}"),
        "recipe 'both': it has no slot of the kind generator",
    ),
    "a fixed length": (
        "recipe-both-says-how-long-it-takes",
        ("return steps + 3", "return 100"),
        "recipe 'both': length gives [100, 100, 100, 100] calls",
    ),
    "a phase without a name": (
        "recipe-both-says-how-long-it-takes",
        ('"warm-up" if step < 3 else "adversarial"', "step < 3"),
        "recipe 'both': phase(0) returned a bool, not text",
    ),
    "figures with a graph": (
        "recipe-both-trains",
        ('{"loss": loss.detach()}', '{"loss": loss}'),
        "recipe 'both': step(0), figure 'loss' is not detached",
    ),
    "figures that wait for the device": (
        "recipe-both-trains",
        ('{"loss": loss.detach()}', '{"loss": loss.item()}'),
        "recipe 'both': step(0), figure 'loss' is a float, not a 0-d tensor",
    ),
    "a generator that is not trained": (
        "recipe-both-trains",
        ('        self.update("generator", loss)\n', ""),
        "recipe 'both': training does not change the generator that it returns",
    ),
    "refining with a graph": (
        "recipe-both-refines-without-a-trace",
        ("    @torch.no_grad()\n    def refine", "    def refine"),
        "recipe 'both': refine keeps a graph",
    ),
    "refining that leaves eval mode": (
        "recipe-both-refines-without-a-trace",
        ('return self.parts["generator"](images)', 'return self.parts["generator"].eval()(images)'),
        "recipe 'both': refine leaves the generator in another mode",
    ),
    "refining that is more than the generator": (
        "recipe-both-hands-over-what-refines",
        ('return self.parts["generator"](images)', 'return self.parts["generator"](images) / 2'),
        "recipe 'both': the network that generator() returns computes something else than refine",
    ),
    "an optimizer that is forgotten": (
        "recipe-both-resumes-exactly",
        ("            self.optimizers[name].load_state_dict(own)\n", "            pass\n"),
        "recipe 'both': after resuming, step(1) gives another loss: something is missing from state_dict",
    ),
    "randomness that is forgotten": (
        "recipe-both-resumes-exactly",
        ('        self.noise.set_state(state["noise"])\n', ""),
        "recipe 'both': after resuming, ",
    ),
    "state that a checkpoint cannot hold": (
        "recipe-both-resumes-exactly",
        ('"noise": self.noise.get_state()}', '"noise": self.noise}'),
        "recipe 'both': saving its state_dict raised TypeError: a checkpoint holds tensors and plain values",
    ),
}


def test_faultless_plugin_passes_every_check(plant, tmp_path):
    plant()
    cases = collect("good")
    for number, case in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        case.run(folder)
    kinds = {case.name.partition("-")[0] for case in cases}
    assert set(KINDS) <= kinds
    assert len({case.name for case in cases}) == len(cases)


def test_every_check_has_a_planted_fault(plant):
    plant()
    # Each network check is shared by both kinds of networks, so one of the two is enough.
    names = {case.name for case in collect("good")}
    planted = {case for case, *_ in FAULTS.values()}
    assert planted <= names
    without = {name.split("-", 2)[2] for name in names} - {name.split("-", 2)[2] for name in planted}
    assert not without


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_caught_and_named(plant, tmp_path, fault):
    name, *changes, message = FAULTS[fault]
    plant(*changes)
    case = next(case for case in collect("good") if case.name == name)
    with pytest.raises(Fault) as error:
        case.run(tmp_path)
    assert message in str(error.value)
    assert "\n" not in str(error.value).splitlines()[0]
    assert str(error.value).startswith("plugin 'good'")
