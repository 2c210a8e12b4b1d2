from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import gantool
from gantool import GantoolError
from gantool.components import Channels
from gantool.data.domains import Preprocess
from gantool.model.bundle import CONFIG, FORMAT, WEIGHTS, Recorded, open_bundle, read_recorded, recall, write_bundle
from gantool.runs.checkpoints import Checkpoints


def build(**options):
    return gantool.build("generator", "simgan:refiner", channels=1, **{"width": 4, "blocks": 1, **options})


@pytest.fixture
def saved(tmp_path):
    """A folder as `gantool.save` writes it."""
    gantool.save(build(), tmp_path / "net")
    return tmp_path / "net"


@pytest.fixture
def run(tmp_path, tiny, train):
    """A run folder with three checkpoints that differ."""
    plan = tiny({"recipe.refiner_lr": 0.05}, checkpoint_every=4, keep=5)
    return train(plan, tmp_path / "run")


def edit(file, **changes):
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_folder_holds_two_files_and_no_pickle(saved):
    assert sorted(path.name for path in saved.iterdir()) == [CONFIG, WEIGHTS]
    assert json.loads((saved / CONFIG).read_text())["format"] == FORMAT
    assert load_file(saved / WEIGHTS)


def test_what_is_recorded_comes_back(tmp_path):
    preprocess = Preprocess(size=(12, 16), fit="crop", channels=1, equalize=True, value_range=(0.5, 2))
    recorded = Recorded(
        component="simgan:refiner",
        options={"width": 4, "blocks": 1},
        channels=Channels(1),
        preprocess=preprocess,
        trained_size=(12, 16),
        step=7,
    )
    write_bundle(tmp_path, build().state_dict(), recorded)
    assert read_recorded(tmp_path) == recorded
    bundle = open_bundle(tmp_path)
    assert (bundle.preprocess, bundle.trained_size, bundle.channels) == (preprocess, (12, 16), Channels(1))
    assert bundle.name == str(tmp_path)
    assert recall(bundle.module) == recorded


def test_weights_in_another_layout_or_a_view_are_written_as_they_are(tmp_path):
    module = build().to(memory_format=torch.channels_last)
    weights = {name: value.half().float() if value.dim() == 4 else value for name, value in module.state_dict().items()}
    write_bundle(tmp_path, weights, recall(module))
    found = load_file(tmp_path / WEIGHTS)
    assert all(torch.equal(found[name], value) for name, value in weights.items())


def test_last_best_and_any_step_of_a_run_can_be_opened(run):
    state = {step: torch.nn.utils.parameters_to_vector(gantool.load(run, step).parameters()) for step in (4, 8, 12)}
    assert not torch.equal(state[4], state[8])
    assert not torch.equal(state[8], state[12])
    best_step = Checkpoints(run, keep=1).load(12)["best"]["step"]
    for checkpoint, step in ((None, 12), ("last", 12), ("8", 8), ("best", best_step)):
        found = torch.nn.utils.parameters_to_vector(gantool.load(run, checkpoint).parameters())
        assert torch.equal(found, state[step]), checkpoint
        recorded = open_bundle(run, checkpoint).recorded
        assert recorded.step == recall(gantool.load(run, checkpoint)).step == step
    digests = {open_bundle(run, checkpoint).digest for checkpoint in (4, 8, 12)}
    assert len(digests) == 3
    assert open_bundle(run, 12).digest == open_bundle(run).digest


def test_a_run_remembers_the_size_and_channels_it_was_trained_on(run):
    bundle = open_bundle(run)
    assert bundle.trained_size == (12, 16)
    assert bundle.preprocess.channels == 1
    assert bundle.recorded.step == 12
    assert not bundle.module.training
    assert bundle.module(torch.zeros(2, 1, 5, 7)).shape == (2, 1, 5, 7)


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        (5, "has no checkpoint of step 5; it has: 4, 8, 12"),
        ("newest", "'newest' is not last, best or a step number"),
        ("-4", "'-4' is not last, best or a step number"),
    ],
)
def test_a_checkpoint_that_is_not_there(run, checkpoint, message):
    with pytest.raises(GantoolError, match=message):
        open_bundle(run, checkpoint)


def test_a_saved_network_has_no_checkpoints(saved):
    with pytest.raises(GantoolError, match="net has no checkpoints to choose from"):
        open_bundle(saved, "best")


def test_the_digest_follows_what_makes_the_images_and_nothing_else(saved):
    first = open_bundle(saved).digest
    edit(saved / CONFIG, step=3, trained_size=[12, 16], gantool="9.9")
    described = json.loads((saved / CONFIG).read_text())
    del described["preprocess"]["equalize"]  # as if a later version had added it
    (saved / CONFIG).write_text(json.dumps(described, indent=7))
    assert open_bundle(saved).digest == first
    weights = load_file(saved / WEIGHTS)
    name = next(iter(weights))
    weights[name].flatten()[0] += 1e-6
    save_file(weights, saved / WEIGHTS)
    second = open_bundle(saved).digest
    edit(saved / CONFIG, preprocess={**described["preprocess"], "equalize": True})
    third = open_bundle(saved).digest
    edit(saved / CONFIG, options={**described["options"], "padding": "zeros"})
    assert len({first, second, third, open_bundle(saved).digest}) == 4


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(GantoolError, match=r"is no run folder: it has no config\.json$"):
        open_bundle(tmp_path)
    with pytest.raises(GantoolError, match="nowhere is no run folder"):
        open_bundle(tmp_path / "nowhere")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(GantoolError, match=r"it has a run\.json but no weights yet: resume it"):
        open_bundle(tmp_path)
    with pytest.raises(GantoolError, match="is no run folder"):
        open_bundle(tmp_path / "run.json")


def test_a_folder_without_weights(saved):
    (saved / WEIGHTS).unlink()
    with pytest.raises(GantoolError, match=rf"{WEIGHTS} is missing"):
        open_bundle(saved)


def test_a_truncated_file_of_weights(saved):
    (saved / WEIGHTS).write_bytes((saved / WEIGHTS).read_bytes()[:-9])
    with pytest.raises(GantoolError, match=rf"{WEIGHTS} is no intact safetensors file \([^;]*\)$"):
        open_bundle(saved)


@pytest.mark.parametrize("harm", [Path.unlink, lambda file: file.write_bytes(b"damaged")])
def test_damaged_weights_of_a_run_name_the_checkpoint_that_has_them(run, harm):
    whole = open_bundle(run).digest
    harm(run / WEIGHTS)
    with pytest.raises(GantoolError, match=rf"{WEIGHTS} is .*; its newest checkpoint .*: --checkpoint 12 takes them$"):
        open_bundle(run)
    assert open_bundle(run, 12).digest == whole


@pytest.mark.parametrize(
    ("foreign", "message"),
    [
        ({"layer.weight": torch.ones(3, 3)}, r"is missing there and .* in the network \(and \d+ more\)"),
        ("width", r"is \(6, 1, 3, 3\) there and \(4, 1, 3, 3\) in the network"),
    ],
)
def test_the_weights_of_another_network(saved, foreign, message):
    save_file(dict(build(width=6).state_dict()) if foreign == "width" else foreign, saved / WEIGHTS)
    with pytest.raises(GantoolError, match=rf"net do not fit simgan:refiner as config\.json describes it: .*{message}") as error:
        open_bundle(saved)
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)


def test_weights_too_many(saved):
    save_file({**load_file(saved / WEIGHTS), "extra": torch.ones(1)}, saved / WEIGHTS)
    with pytest.raises(GantoolError, match=r"extra is \(1,\) there and not expected in the network"):
        open_bundle(saved)


def test_a_description_that_cannot_be_read_is_not_called_damaged(saved):
    (saved / CONFIG).unlink()
    (saved / CONFIG).mkdir()
    with pytest.raises(GantoolError, match=rf"{CONFIG} cannot be read: Is a directory"):
        open_bundle(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"format": "1"}', '{"format": 1}', "\udce9"])
def test_a_damaged_description(saved, text):
    (saved / CONFIG).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(GantoolError, match=rf"{CONFIG} is damaged or not gantool's") as error:
        open_bundle(saved)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": FORMAT + 1}, rf"{CONFIG} was written by a newer gantool \(format {FORMAT + 1}\): upgrade to use it"),
        ({"channels": {"images": "one"}}, rf"{CONFIG}: channels: .*integer"),
        ({"options": []}, rf"{CONFIG}: options: .*dictionary"),
        ({"component": 5}, rf"{CONFIG}: component: .*string"),
        ({"trained_size": [1]}, rf"{CONFIG}: trained_size"),
        ({"preprocess": {"fit": "stretch"}}, rf"{CONFIG}: preprocess"),
        ({"surprise": 1}, r"no option .*surprise"),
        ({"component": "other:net"}, "net: no plugin 'other'"),
        ({"component": "simgan:refinr"}, "no generator 'refinr'; did you mean 'refiner'"),
        ({"options": {"width": 0}}, r"generator\.width: .*greater than or equal to 1"),
        ({"options": {"widht": 4}}, r"no option generator\.widht; did you mean 'width'"),
    ],
)
def test_a_description_that_cannot_be_followed(saved, changes, message):
    edit(saved / CONFIG, **changes)
    with pytest.raises(GantoolError, match=message) as error:
        open_bundle(saved)
    assert "\n" not in str(error.value)


def test_a_module_of_unknown_origin_cannot_be_recalled():
    with pytest.raises(GantoolError, match=r"Conv2d was not made by gantool\.build or gantool\.load, so it cannot be saved"):
        recall(torch.nn.Conv2d(1, 1, 1))
