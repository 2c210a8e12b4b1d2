"""Every hook of gantool. A plugin is a module (or object) with functions of these names, marked with `gantool.hookimpl`, and
an entry point in the group `gantool` whose name is the plugin's.

All hooks but `gantool_log` yield records and must not import torch: they run whenever plugins are listed. Factories, which
records name by string, are where the heavy imports live.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from .components import Component, Event, Format, Recipe

hookspec = pluggy.HookspecMarker("gantool")
hookimpl = pluggy.HookimplMarker("gantool")


@hookspec
def gantool_generators() -> Iterable[Component]:
    """Networks that turn images of one domain into images of another.

    `factory(*, config, channels: Channels) -> torch.nn.Module`, with `config` an instance of the record's `options` and
    `channels` a `gantool.components.Channels`. The module maps (N, C, H, W) float in [-1, 1], C = `channels.images`, to the same
    shape and range. In eval mode a row's result is the same every time and does not depend on the other rows; the given images
    stay as they were. Its state dict is all that it depends on, so threads may share it, and it works in float64 and under
    bfloat16 autocast, in contiguous and in channels-last layout. Raise `ValueError` for channels that the network cannot have.
    One with `provides={"features"}` also has the method `features` of `gantool.components.Features`.

    One with `provides={"conditioned"}` takes what is known of images beside their colours (`train --condition`) by the keyword
    `conditions`: a mapping of names to (N, c, H, W), those of `channels.conditions`. Any may be missing, which means zeros,
    and it is called with none of them, too: `gantool.conditioning.Modulation` lets any maps see them.

    One with `provides={"stochastic"}` says how many planes of noise it takes as `noise_channels` (0 where an option switches it
    off) and takes (N, `noise_channels`, H, W), of mean 0 and deviation 1, by the keyword `noise`. Without it, it takes
    `gantool.noise.default_noise`, so that eval mode gives the same every time.

    Example::

        @hookimpl
        def gantool_generators():
            yield Component(name="unet", factory="my_plugin.unet:UNet", options=UNetOptions)
    """


@hookspec
def gantool_discriminators() -> Iterable[Component]:
    """Networks that judge how much an image looks like the target domain.

    `factory(*, config, channels: Channels) -> torch.nn.Module`. The module maps (N, C, H, W) float in [-1, 1] to raw
    logits (N, 1, h, w), one per patch (h = w = 1 for a verdict on the whole image): no sigmoid at the end, and **higher means
    more like the target domain**. In eval mode a row's result is the same every time and does not depend on the
    other rows. State dict, precisions, layouts and given images are as with generators.

    Example::

        @hookimpl
        def gantool_discriminators():
            yield Component(name="patch70", factory="my_plugin.patch:PatchGAN", options=PatchOptions)
    """


@hookspec
def gantool_networks() -> Iterable[Component]:
    """Further networks of a recipe, trained or frozen: a projection head, a segmenter that guards labels, a feature extractor.

    `factory(*, config, channels: Channels) -> torch.nn.Module`. The module maps images (N, C, H, W) float in [-1, 1] to a
    tensor, or a tuple of tensors, of N finite rows each, with gradients to the images and to all weights that require them.
    What the results mean is between the network and the recipe: a word in `provides` that the slot `requires`. In eval mode a
    row's result is the same every time and does not depend on the other rows. State dict, precisions, layouts and given images
    are as with generators. Raise `ValueError` for channels that the network cannot have.

    Example::

        @hookimpl
        def gantool_networks():
            yield Component(name="projector", factory="my_plugin.projector:Projector", options=ProjectorOptions)
    """


@hookspec
def gantool_losses() -> Iterable[Component]:
    """Losses, of two families that `provides` names.

    `factory(*, config) -> loss`. `provides={"adversarial"}`: an `AdversarialLoss` with `.discriminator(real_logits,
    fake_logits)` and `.generator(fake_logits)`. `provides={"image-pair"}`: a `PairLoss`, `(a, b) -> 0-d tensor`. A loss never
    calls backward, never steps an optimizer, and raises `ValueError` for shapes that do not fit. Its gradients are finite, for
    equal images and for logits far from 0 too. One that is an
    `nn.Module` is moved to the run's device by the recipe. An adversarial loss with a term that logits of one batch cannot
    give says so: `needs={"penalty"}` for a `Penalty` on D's gradients, `needs={"relativistic"}` for a `Relativistic` one,
    whose generator term takes real logits too. Slots that do not accept this refuse it.

    Example::

        @hookimpl
        def gantool_losses():
            yield Component(name="wgan", factory="my_plugin.wgan:Wasserstein", provides=frozenset({"adversarial"}))
    """


@hookspec
def gantool_replay_buffers() -> Iterable[Component]:
    """Memories of generated images.

    `factory(*, config, generator: torch.Generator) -> ReplayBuffer`. All randomness comes from `generator`, a CPU generator
    that no one else draws from. `exchange(fresh)` returns as many rows as it got, detached, on the same device; each row was
    given in this call or an earlier one. The given images stay as they were. A buffer that holds images gives some of them back
    and replaces them in the course of time. `state_dict` restores images and later draws. Memory must be bounded.

    Example::

        @hookimpl
        def gantool_replay_buffers():
            yield Component(name="reservoir", factory="my_plugin.memory:Reservoir", options=ReservoirOptions)
    """


@hookspec
def gantool_formats() -> Iterable[Format]:
    """Storage formats: how bytes become images with their labels, and how refined images are written back.

    `factory(*, config, record: Format) -> StorageFormat`, a class that is derived from
    `gantool.data.formats.base.StorageFormat`, which says what there is to offer: `open` a set, its `chunks` where it
    `provides` "streams", `write` ("writes"), the `containers` that are refined each as a whole ("refines"). The record names
    the suffixes; the first record that claims a path opens it, the host's own before those of plugins. Named arrays and records
    of a container come as they are: which one is the picture and which a label is a layout's business. A format whose files lie
    in folders as image files do, and hold pictures among other things, provides "pictures" and derives from
    `gantool.data.formats.picture_format.PictureFormat`: it only opens a file, as a `gantool.data.picture_files.PictureFile`.
    Raise `gantool.GantoolError` with one line that names the file where it is damaged, and `gantool.errors.MissingExtra` where a
    library is missing.

    Example::

        @hookimpl
        def gantool_formats():
            yield Format(name="zarr", factory="my_plugin.zarr:Zarr", suffixes=(".zarr",), summary="Zarr arrays")
    """


@hookspec
def gantool_layouts() -> Iterable[Component]:
    """Layouts: what a folder means, which of its files are pictures, which passes (depth, ids) and which labels.

    `factory(*, config) -> Layout`, a `gantool.data.listing.Layout`: `arrange(root, files)` gives a `Listing`, or None where a
    folder is not laid out so. It goes by names and small files alone and decodes few images or none. Layouts of plugins are asked
    before the host's `plain` one, which takes every image file for a picture. `gantool.data.layouts.model.Written` makes a layout
    of patterns of file names, and is its own factory.

    Example::

        @hookimpl
        def gantool_layouts():
            yield Component(name="sky-capture", factory="my_plugin.sky:SkyCapture", summary="Folders that Sky Capture writes")
    """


@hookspec
def gantool_datasets() -> Iterable[Component]:
    """Pairs of domains: source (synthetic) and target (real) images.

    `factory(*, config) -> Domains`, an object with `.source` and `.target`, each a map-style `Domain` or a `StreamingDomain`.
    Images are (H, W, C) uint8, uint16, or float32 in [0, 1], all of one shape and dtype in both domains. Raise
    `gantool.GantoolError` with one line for the user where data is missing or does not fit.

    Example::

        @hookimpl
        def gantool_datasets():
            yield Component(name="hands", factory="my_plugin.hands:Hands", options=HandsOptions)
    """


@hookspec
def gantool_metrics() -> Iterable[Component]:
    """Figures that compare refined with target images.

    `factory(*, config) -> Metric` with `.update(refined, target)` and `.compute() -> {name: float}`. Images are (N, C, H, W) in
    [-1, 1]. `update` may be called any number of times; `compute` raises `ValueError` where it saw too little. A metric
    whose figures choose a checkpoint provides "lower-is-better" or "higher-is-better"; the first figure decides. One that
    provides "sees-source" is called as `.update(refined, target, source=source)`, with the images that were refined, row by row;
    one that provides "sees-labels" gets `labels=` likewise, a record for each of them, or None where there are none.
    The order of batches does not matter, `compute` may be asked twice and between updates, and each metric that a factory makes
    starts with nothing. Nothing is drawn from global random generators, so that judging a run does not
    change its course.

    Example::

        @hookimpl
        def gantool_metrics():
            yield Component(name="brightness-gap", factory="my_plugin.metrics:BrightnessGap",
                            provides=frozenset({"lower-is-better"}))
    """


@hookspec
def gantool_tasks() -> Iterable[Component]:
    """What labels mean to `gantool evaluate`: what an estimator learns from them, and how wrong a prediction is.

    `factory(*, config, labels: Labels) -> Task`. Raise `gantool.GantoolError`, one line, for labels that the task cannot mean. A
    factory that has a function `recognises(labels: Labels) -> bool` (a static method, say) is asked where the user names no task:
    it answers whether name and shape of the labels leave no doubt, and the task is taken if no other one's does.
    `gantool.evaluation.tasks.NumbersTask` is a base for labels that are numbers and whose error is a mean over images.

    Labels of a `kind` other than "values" are objects or maps, which annotations and passes of a folder are: `load` then gets a
    `gantool.data.scenes.Scene` or an array (H, W) for each image. The record `needs` what an estimator must provide: "objects",
    "masks", "maps", a word of the plugin's own, or nothing for numbers and classes. A method `area(row, size)`, (H, W) bool, says
    where edges of the picture belong to the labels; without one, nothing is said of what becomes of these.

    Example::

        @hookimpl
        def gantool_tasks():
            yield Component(name="counts", factory="my_plugin.counts:Counts", summary="Whole numbers; error: their difference")
    """


@hookspec
def gantool_estimators() -> Iterable[Component]:
    """Models that learn labels from images: what `gantool evaluate --estimator NAME` trains on each set of images.

    `factory(*, config, outputs: int, seed: int) -> Estimator` with `.fit(images, targets)` and `.predict(images)`. Images are
    (N, C, H, W) in [-1, 1] on the device that computes. All randomness follows from `seed`, and where there is any, another seed
    gives another estimator: the spread over seeds is part of a verdict's interval. Raise `ValueError` in `fit` for images or
    targets that the estimator cannot have. A subclass of `gantool.evaluation.neural.NeuralEstimator` says only which network it
    trains, one of `gantool.evaluation.pixels.PixelEstimator` what the maps of its network shall be. One that finds key points by
    their place in the image is a `KeypointEstimator` too; one of objects is an `ObjectEstimator` and `provides` "objects" (and
    "masks"), one of maps a `MapEstimator` and `provides` "maps". One with an attribute `augment` is given a function there, or
    None, that it calls on images each time it draws them to learn from.

    Example::

        @hookimpl
        def gantool_estimators():
            yield Component(name="hourglass", factory="my_plugin.hourglass:Hourglass", options=HourglassOptions)
    """


@hookspec
def gantool_recipes() -> Iterable[Recipe]:
    """Ways to train: what `gantool train --plugin NAME` runs.

    `factory(*, config, parts: Mapping[str, Any]) -> TrainingRecipe`, with `parts` the built component of each slot: networks
    on the CPU, losses, buffers. A plugin with one recipe is picked by the plugin's name, one with several by `plugin:recipe`.
    The recipe owns the step; the host owns data, seed, devices, log and checkpoints. One that provides "accumulates" works
    through a batch in `Setup.accumulate` parts where the user asks for it; see `gantool.training.in_parts`. One that provides
    "sees-labels" finds the labels of the images in the batches that it draws. Training changes each
    generator and discriminator that is in its `state_dict` under the name of its slot.

    Example::

        @hookimpl
        def gantool_recipes():
            yield Recipe(name="cyclegan", factory="my_plugin.recipe:CycleGAN", options=CycleOptions, slots=(
                Slot(name="generator", kind="generator", default="cyclegan:resnet"),
            ))
    """


@hookspec
def gantool_loggers() -> Iterable[Component]:
    """Observers of a run that the user chooses by name and that have options: where figures and sample sheets go.

    `factory(*, config) -> Logger` with `.log(event)` and `.close()`. Made on the main process only; the first event is "start",
    with the run's folder and the step that it goes on from. An exception raised in either is written to the run's log and
    never stops training; a factory that refuses its options (`ValueError`) stops the run before its first step.

    Example::

        @hookimpl
        def gantool_loggers():
            yield Component(name="tensorboard", factory="my_plugin.board:Board", options=BoardOptions)
    """


@hookspec
def gantool_commands() -> Iterable[Component]:
    """Further commands of the command line: `gantool NAME`.

    `factory` names a `click.Command`, which is imported when the command is called or asked for its own help; `gantool --help`
    prints the summary. Where the host or another plugin has a command of that name too, it is called as `gantool PLUGIN:NAME`.
    Raise `gantool.GantoolError` with one line for what the user can put right: it is printed without a traceback, with exit code
    2. `gantool --help` finds the hook where the module that the entry point names mentions `gantool_commands`.

    Example::

        @hookimpl
        def gantool_commands():
            yield Component(name="contact-sheet", factory="my_plugin.sheet:command", summary="Print a sheet of refined images")
    """


@hookspec
def gantool_log(event: Event) -> None:
    """Observe a run: called at its start, at each log point, after each sample sheet and checkpoint, and at its end.

    Called on the main process only. An exception raised here is written to the run's log and never stops training.

    Example::

        @hookimpl
        def gantool_log(event):
            if event.kind == "checkpoint":
                upload(event.path)
    """
