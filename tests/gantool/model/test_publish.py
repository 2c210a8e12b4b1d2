from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

import gantool
from gantool.errors import GantoolError
from gantool.model.bundle import open_bundle, read_recorded
from gantool.model.publish import publish
from gantool.runs.checkpoints import Checkpoints

HOME = "/home/jane/secret-project"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with all that a card speaks of."""
    torch.manual_seed(0)
    network = gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1)
    folder = gantool.save(network, tmp_path / "run")
    plan = {"dataset": "gantool:folders", "synthetic": f"{HOME}/renders", "real": r"C:\Users\jane\photos", "steps": 60}
    (folder / "run.json").write_text(json.dumps({**plan, "options": {}, "versions": {"torch": "2.13"}}))
    (folder / "samples").mkdir()
    for step, colour in ((0, "black"), (50, "red"), (110, "blue")):
        Image.new("RGB", (8, 8), colour).save(folder / f"samples/step-{step:08}.png")
    return folder


def evaluate(run: Path, **changes: object) -> None:
    found = {"verdict": "helps", "sentence": "Refining helps: 5.1° against 6.0°.", "data": {"weights": open_bundle(run).digest}}
    (run / "evaluation.json").write_text(json.dumps(found | changes))


def card(folder: Path) -> tuple[dict, str]:
    _, front, body = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), body


def test_the_folder_is_a_generator_that_gantool_reads(run: Path, tmp_path: Path) -> None:
    report = publish(run, tmp_path / "eyes", license="Apache-2.0")
    assert {path.name for path in report.output.iterdir()} == set(report.files)
    assert set(report.files) == {"config.json", "refiner.safetensors", "README.md", "sample.png"}
    assert report.upload == f"hf upload USER/eyes {tmp_path / 'eyes'} ."
    images = torch.rand(1, 1, 9, 9)
    assert torch.equal(gantool.load(report.output)(images), gantool.load(run)(images))
    assert open_bundle(report.output).digest == open_bundle(run).digest
    assert Image.open(report.output / "sample.png").getpixel((0, 0)) == (0, 0, 255), "the newest"


def test_the_card_says_what_it_is_and_no_path(run: Path, tmp_path: Path) -> None:
    publish(run, tmp_path / "eyes", license="Apache-2.0")
    front, body = card(tmp_path / "eyes")
    assert (front["license"], front["library_name"], front["pipeline_tag"]) == ("apache-2.0", "gantool", "image-to-image")
    assert "simgan" in front["tags"]
    assert "- synthetic images: `renders`" in body
    assert "- real images: `photos`" in body
    assert open_bundle(run).digest in body
    assert "(sample.png)" in body
    for file in (tmp_path / "eyes").iterdir():
        assert not [word for word in (b"jane", str(tmp_path).encode()) if word in file.read_bytes()], file


def test_the_card_of_a_run_on_patches_says_so(run: Path, tmp_path: Path) -> None:
    plan = json.loads((run / "run.json").read_text())
    for name, patch in (("patches", [48, 64]), ("whole", "off")):
        (run / "run.json").write_text(json.dumps({**plan, "patch": patch}))
        publish(run, tmp_path / name, license="mit")
    assert "trained on patches of 48×64 px (height × width), and takes images of any size" in card(tmp_path / "patches")[1]
    assert "patches" not in card(tmp_path / "whole")[1]


def test_the_verdict_of_these_weights_or_none(run: Path, tmp_path: Path) -> None:
    report = publish(run, tmp_path / "a", license="mit")
    assert "Not evaluated" in card(tmp_path / "a")[1]
    assert "Not evaluated" in report.notices[0]
    evaluate(run)
    report = publish(run, tmp_path / "b", license="mit")
    assert "Refining helps: 5.1° against 6.0°. (`gantool evaluate`, on these weights.)" in card(tmp_path / "b")[1]
    assert report.notices == ()
    evaluate(run, data={"weights": "of another checkpoint"})
    publish(run, tmp_path / "c", license="mit")
    body = card(tmp_path / "c")[1]
    assert "evaluated with other weights" in body
    assert "Refining helps" not in body


def test_steps_and_picture_are_those_of_the_checkpoint(tiny, train, tmp_path: Path) -> None:
    source = train(tiny(checkpoint_every=4, keep=5), tmp_path / "trained")
    best = Checkpoints(source, keep=5).load(12)["best"]["step"]
    for each in (0, 4, 8, 12):
        Image.new("RGB", (2, 2), (0, 0, each)).save(source / f"samples/step-{each:08}.png")
    for checkpoint, step in (("best", best), (4, 4), (None, 12)):
        report = publish(source, tmp_path / f"out-{checkpoint}", license="mit", checkpoint=checkpoint)
        assert read_recorded(report.output).step == step
        assert f"| steps trained, warm-up included | {step} |" in card(report.output)[1]
        assert Image.open(report.output / "sample.png").getpixel((0, 0)) == (0, 0, step)


def test_the_verdict_of_a_checkpoint_stays_when_the_run_goes_on(tiny, train, tmp_path: Path) -> None:
    settings = {"checkpoint_every": 4, "keep": 9}
    source = train(tiny(steps=5, **settings), tmp_path / "trained")
    evaluate(source)
    train(tiny(steps=9, **settings), source)
    publish(source, tmp_path / "out", license="mit", checkpoint=12)
    assert "Refining helps: 5.1° against 6.0°. (`gantool evaluate`, on these weights.)" in card(tmp_path / "out")[1]
    publish(source, tmp_path / "newest", license="mit")
    assert "evaluated with other weights" in card(tmp_path / "newest")[1]


def test_what_is_not_known_is_said(run: Path, tmp_path: Path) -> None:
    bare = gantool.save(gantool.load(run), tmp_path / "saved")
    report = publish(bare, tmp_path / "out", license="unknown", name="other-name")
    assert len(report.notices) == 3
    assert "sample.png" not in report.files
    front, body = card(tmp_path / "out")
    assert front["license"] == "unknown"
    assert "# other-name" in body
    assert "Not recorded." in body
    assert "sample.png" not in body


def test_overwriting(run: Path, tmp_path: Path) -> None:
    publish(run, tmp_path / "out", license="mit")
    (tmp_path / "out/notes.txt").write_text("mine")
    with pytest.raises(GantoolError, match="is not empty: choose another folder, or pass --overwrite"):
        publish(run, tmp_path / "out", license="apache-2.0")
    assert card(tmp_path / "out")[0]["license"] == "mit"
    (run / "samples/step-00000110.png").unlink()
    publish(run, tmp_path / "out", license="apache-2.0", overwrite=True)
    assert card(tmp_path / "out")[0]["license"] == "apache-2.0"
    assert (tmp_path / "out/notes.txt").read_text() == "mine"


def test_what_else_lies_in_a_run_is_left_alone(run: Path, tmp_path: Path) -> None:
    for name in ("step-foo.png", "step-.png", "step-00000120 (copy).png", "step-99999999.txt"):
        (run / "samples" / name).write_text("mine")
    (run / "samples/step-00000130.png").mkdir()
    (run / "samples/step-00000140.png").symlink_to(tmp_path / "gone")
    report = publish(run, tmp_path / "out", license="mit")
    assert (report.output / "sample.png").read_bytes() == (run / "samples/step-00000110.png").read_bytes()


@pytest.mark.parametrize("name", ["sample.png", "README.md", "config.json"])
@pytest.mark.parametrize("pictured", [True, False])
def test_a_folder_where_a_file_shall_be_is_one_line(run: Path, tmp_path: Path, name: str, pictured: bool) -> None:
    if not pictured:
        shutil.rmtree(run / "samples")
    (tmp_path / "out" / name).mkdir(parents=True)
    with pytest.raises(GantoolError, match=r"out cannot be written to \(Is a directory\): choose another --output"):
        publish(run, tmp_path / "out", license="mit", overwrite=True)


@pytest.mark.parametrize(
    ("output", "options", "message"),
    [
        ("run", {"overwrite": True}, "is the run itself"),
        ("file", {}, "is a file"),
        ("out", {"license": "a\nb: c"}, "no identifier"),
        ("out", {"license": ""}, "no identifier"),
        ("two words", {}, "--name 'two words'"),
    ],
)
def test_bad_input(run: Path, tmp_path: Path, output: str, options: dict, message: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(GantoolError, match=message):
        publish(run, tmp_path / output, **{"license": "mit", **options})
    assert not (tmp_path / "out").exists()


def test_a_damaged_evaluation_is_named(run: Path, tmp_path: Path) -> None:
    (run / "evaluation.json").write_text("{")
    with pytest.raises(GantoolError, match=r"evaluation\.json is damaged"):
        publish(run, tmp_path / "out", license="mit")
    assert not (tmp_path / "out").exists()


def test_the_card_says_which_options_are_not_the_presets(tmp_path: Path) -> None:
    options = {"recipe.lambda_reg": 7.5, "generator.blocks": 1, "generator.width": 4, "discriminator.width_factor": 0.05}
    more = {"dataset.synthetic_count": 12, "dataset.real_count": 12, "metric.samples": 64, "dataset.size": [12, 16]}
    run = gantool.train("simgan", output=tmp_path / "run", steps=1, batch_size=4, device="cpu", options=options | more)
    publish(run, tmp_path / "eyes", license="MIT")
    (line,) = [line for line in card(tmp_path / "eyes")[1].splitlines() if line.startswith("Settings: ")]
    assert all(f"-o {name}={json.dumps(value)}" in line for name, value in (options | more).items())
    assert "--steps 1 --batch-size 4 --seed 0" in line
    assert line.count("-o ") == len(options | more)


@pytest.mark.parametrize("linked", ["sheet", "samples"])
def test_a_link_of_somebody_elses_run_leads_nowhere(run: Path, tmp_path: Path, linked: str) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "step-00000200.png").write_bytes(b"secret")
    if linked == "sheet":
        (run / "samples/step-00000200.png").symlink_to(tmp_path / "private" / "step-00000200.png")
    else:
        (run / "samples").rename(tmp_path / "old")
        (run / "samples").symlink_to(tmp_path / "private")
    report = publish(run, tmp_path / "out", license="mit")
    assert not any(path.read_bytes() == b"secret" for path in report.output.iterdir())
    assert ("sample.png" in report.files) == (linked == "sheet")


def test_what_a_foreign_run_says_is_text_on_the_card(run: Path, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)> [click](http://x) `code`\n\n# Title\n|a|"
    evaluate(run, sentence=evil, caveats=["*bold* & <b>more</b>"])
    plan = json.loads((run / "run.json").read_text()) | {"dataset": "a` <b>", "versions": {"<i>": "| x |"}}
    (run / "run.json").write_text(json.dumps(plan))
    publish(run, tmp_path / "out", license="mit")
    body = card(tmp_path / "out")[1]
    assert "<img" not in body
    assert "<b>more" not in body
    assert "<i>" not in body
    assert r"&lt;img src=x onerror=alert(1)&gt; \[click\](http://x) \`code\` \# Title \|a\|" in body
    assert "Data set: `a' <b>`." in body
    assert r"\| x \|" in body
    assert r"\*bold\* &amp; &lt;b&gt;more" in body


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", '{"options": []}'),
        ("run.json", '{"options": {"dataset": 3}, "versions": ["x"]}'),
        ("run.json", '{"versions": ["x"], "options": {}}'),
        ("run.json", '{"patch": [1], "options": {}}'),
        ("run.json", "[" * 200_000),
        ("evaluation.json", '{"caveats": 3, "data": {"weights": "DIGEST"}}'),
        ("evaluation.json", "[" * 200_000),
        ("config.json", "[" * 200_000),
    ],
)
def test_files_of_a_run_that_are_not_as_they_should_be_are_one_line(run: Path, tmp_path: Path, file: str, content: str) -> None:
    (run / file).write_text(content.replace("DIGEST", open_bundle(run).digest))
    with pytest.raises(GantoolError, match="damaged") as told:
        publish(run, tmp_path / "out", license="mit")
    assert "\n" not in str(told.value)
