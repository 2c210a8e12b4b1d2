"""Faults of descriptions, networks and losses: name, the check that finds it, texts of the faultless plugin to replace, and what the message begins with."""

from __future__ import annotations

SEES = "x = self.modulation(x, conditions)"

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
            "config.width, channels.images, 3, padding=1)",
            "config.width, channels.images, 3, padding=1)\n        self.bias = torch.rand(1)",
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
        (
            "self.first = nn.Conv2d(channels.images, config",
            "raise ValueError('five only')\n        self.first = nn.Conv2d(5, config",
        ),
        "generator 'net': it takes images of neither 3 nor 1 channels (five only)",
    ),
    "conditions that nobody looks at": (
        "generator-net-sees-conditions",
        (SEES, "pass"),
        "generator 'net': another condition continuous gives the same result",
    ),
    "conditions that are missed": (
        "generator-net-works-without-conditions",
        (SEES, f"{SEES} + 0.1"),
        "generator 'net': no conditions give something else than conditions of zeros",
    ),
    "maps that are detached for conditions": (
        "generator-net-conditions-need-no-gradient",
        (SEES, "x = self.modulation(x.detach(), conditions)"),
        "generator 'net': with conditions, no gradient reaches the image",
    ),
    "conditions of a batch": (
        "generator-net-conditions-of-rows-are-independent",
        (SEES, "x = self.modulation(x, {name: values + values.mean(0) for name, values in conditions.items()})"),
        "generator 'net': the result for an image depends on conditions of other images of its batch",
    ),
    "conditions as a whole": (
        "generator-net-conditions-can-be-tiled",
        (SEES, "x = self.modulation(x, {name: values + values.mean((2, 3), True) for name, values in conditions.items()})"),
        "generator 'net': images alone can be tiled, with conditions a pixel depends on others",
    ),
    "noise that nobody looks at": (
        "generator-net-sees-noise",
        ("x = x + 0.1 * noise", "x = x + 0 * noise"),
        "generator 'net': other noise gives the same result",
    ),
    "noise as a whole": (
        "generator-net-noise-can-be-tiled",
        ("x = x + 0.1 * noise", "x = x + noise.mean((2, 3), True)"),
        "generator 'net': images alone can be tiled, with noise",
    ),
    "features in a row": (
        "generator-net-features-are-maps",
        ("return (self.first(x),)", "return (self.first(x).flatten(1),)"),
        "generator 'net': features[0] of 2 images has shape (2, 5120), not (2, C, h, w)",
    ),
    "an input that is changed in eval mode": (
        "generator-net-leaves-its-input-alone",
        (
            "x = self.first(x)\n        x = self.last",
            "x = self.first(x if self.training else x.mul_(0.5))\n        x = self.last",
        ),
        "generator 'net': it changes the images that it is given",
    ),
    "one memory layout": (
        "generator-net-takes-channels-last",
        ("x = self.last(x.relu())", "x = self.last(x.view(len(x), -1).view(x.shape).relu())"),
        "generator 'net': channels-last layout: its forward (reshape where view is?) raised RuntimeError",
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
    # Other networks
    "a result for the whole batch": (
        "network-moments-gives-a-row-per-image",
        ("maps.var(dim=(2, 3))", "maps.var(dim=(0, 2, 3))"),
        "network 'moments': its forward of (2, 3, 32, 40) gives no tensor, or tuple of tensors, with a row for each image",
    ),
    "the root of nothing": (
        "network-moments-gives-a-row-per-image",
        ("maps.var(dim=(2, 3))", "(maps - maps).sqrt() / 0"),
        "network 'moments': its result for images of (2, 3, 32, 40) is not finite",
    ),
    "a map that is detached": (
        "network-moments-gradients-reach-everything",
        ("maps = self.maps(x)", "maps = self.maps(x).detach()"),
        "network 'moments': its result has no gradient",
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
    "a gradient that overflows": (
        "loss-squares-stays-finite",
        (
            "return (fake - 1).square().mean()",
            "return torch.where(fake > 0, (-fake).exp().log1p(), fake.exp().log1p() - fake).mean()",
        ),
        "loss 'squares': the gradient of .generator is not finite for logits of -200",
    ),
    "one term's wrong sign": (
        "loss-squares-higher-is-real",
        (
            "return (real - 1).square().mean() + fake.square().mean()",
            "return 0.1 * real.mean() + fake.square().mean() + fake.mean()",
        ),
        "loss 'squares': .discriminator does not fall when real logits rise; its arguments",
    ),
    "a root without a gradient": (
        "loss-distance-is-a-distance",
        ("return (a - b).square().mean()", "return (a - b).square().mean().sqrt()"),
        "loss 'distance': its gradient is not finite for equal images",
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
}
