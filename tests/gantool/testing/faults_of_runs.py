"""Faults of buffers, data sets, metrics, estimators and recipes: name, the check that finds it, texts of the faultless plugin to replace, and what the message begins with."""

from __future__ import annotations

FAULTS = {
    # Buffers
    "rows from nowhere": (
        "buffer-swap-gives-rows-that-it-was-given",
        ("        return result\n\n    def state_dict", "        return result.flip(0) + 0.25\n\n    def state_dict"),
        "buffer 'swap': a row that it returned was never given to it",
    ),
    "given images that are changed": (
        "buffer-swap-gives-rows-that-it-was-given",
        ("result = fresh.clone()\n        old", "result = fresh\n        old"),
        "buffer 'swap': it changes the images that it is given",
    ),
    "a dtype of its own": (
        "buffer-swap-gives-rows-that-it-was-given",
        ("result = fresh.clone()\n        old", "result = fresh.float().clone()\n        old"),
        "buffer 'swap': it got torch.float64 and returned torch.float32",
    ),
    "a history that is never used": (
        "buffer-swap-gives-back-what-it-holds",
        ("            result[0] = old[", "            _ = old["),
        "buffer 'swap': it holds images but gave none of them back among 25600",
    ),
    "a history that is never replaced": (
        "buffer-swap-gives-back-what-it-holds",
        ("torch.cat((old, fresh))[-8:]", "torch.cat((old, fresh))[:8]"),
        "buffer 'swap': after 25600 images it still gives back only some of its first 640",
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
    "data that is missing": (
        "dataset-ramps-says-what-is-missing",
        (
            "class Ramps:\n    def __init__(self, *, config):\n",
            "class Ramps:\n    def __init__(self, *, config):\n        open('gone')\n",
        ),
        "dataset 'ramps': with its defaults it raised FileNotFoundError: [Errno 2]",
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
    "one memory for all metrics": (
        "metric-gap-starts-anew",
        ("self.seen = [[], []]", "self.seen = SEEN"),
        ("class Gap:", "SEEN = [[], []]\n\n\nclass Gap:"),
        "metric 'gap': a new metric gives other figures once another one has seen images",
    ),
    "figures that can be asked for once": (
        "metric-gap-starts-anew",
        ('return {"gap": float((refined', 'self.seen = [[], []]\n        return {"gap": float((refined'),
        "metric 'gap': compute, asked a second time, raised ValueError: no images",
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
    "a seed that is not heeded": (
        "estimator-linear-heeds-its-seed",
        (").solution", ").solution + torch.rand(2, self.outputs, generator=torch.Generator().manual_seed(0))"),
        "estimator 'linear': it draws random numbers, but with the seeds 7 and 8 it predicts the same",
    ),
    # Loggers
    "figures that every event must have": (
        "logger-lines-logs-every-event",
        ("dict(event.values)", "event.values['loss']"),
        "logger 'lines': log of an event of kind 'start' raised KeyError: 'loss'",
    ),
    "a file that was never opened": (
        "logger-lines-closes-without-events",
        ("if self.file is not None:", "if True:"),
        "logger 'lines': close of one that saw no event raised AttributeError",
    ),
    # Commands
    "a command that is only a function": (
        "command-greet-has-a-page-of-help",
        ("@click.command()\n", ""),
        "command 'greet': factory names a function, not a click.Command",
    ),
    "an option without a name": (
        "command-greet-has-a-page-of-help",
        ("@click.command()\n", "@click.command(context_settings={'help_option_names': []})\n"),
        "command 'greet': --help ends with exit code 2",
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
        "recipe 'both': phase(0) returned a bool, not a str",
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
    "a discriminator that is not trained": (
        "recipe-both-trains",
        ('            self.update("discriminator", judged)\n', ""),
        "recipe 'both': two steps of every phase do not change the network in slot 'discriminator'",
    ),
    "refining that drops a dimension": (
        "recipe-both-refines-without-a-trace",
        ('return self.parts["generator"](batch.images)', 'return self.parts["generator"](batch.images).squeeze(0)'),
        "recipe 'both': refine turns (1, 3, 32, 40) into (3, 32, 40)",
    ),
    "refining with a graph": (
        "recipe-both-refines-without-a-trace",
        ("    @torch.no_grad()\n    def refine", "    def refine"),
        "recipe 'both': refine keeps a graph",
    ),
    "refining that leaves eval mode": (
        "recipe-both-refines-without-a-trace",
        ('return self.parts["generator"](batch.images)', 'return self.parts["generator"].eval()(batch.images)'),
        "recipe 'both': refine leaves the generator in another mode",
    ),
    "refining that is more than the generator": (
        "recipe-both-hands-over-what-refines",
        ('return self.parts["generator"](batch.images)', 'return self.parts["generator"](batch.images) / 2'),
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
