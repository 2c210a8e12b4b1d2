from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

pytest.importorskip("jinja2")

from gantool.cli.main import run as gantool
from gantool.errors import GantoolError
from gantool.evaluation.report import write
from gantool.evaluation.report.gallery import read_history
from gantool.evaluation.report.pictures import differences, pictures
from gantool.evaluation.report.write import write_report


def test_the_page_holds_everything_and_loads_nothing(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gantool(["report", str(run)]) == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert capsys.readouterr().out.startswith(f"Report: {run / 'report.html'} (")
    assert len(page.encode()) < write.MAX_BYTES
    for words in (
        "Not evaluated yet",
        "Losses",
        "Before and after",
        "Worst cases",
        "Real neighbours",
        "history.images",
        "run.json",
    ):
        assert words in page
    assert set(re.findall(r'(?:src|href)="([^"]{0,5})', page)) <= {"data:", *re.findall(r'href="(#[^"]{0,4})', page)}
    assert "://" not in page


def test_names_are_escaped(run: Path) -> None:
    metrics = run / "metrics.jsonl"
    metrics.write_text(metrics.read_text() + json.dumps({"step": 9, "phase": "<i>", "<img src=x>": 1.0}) + "\n")
    page = write_report(run).path.read_text(encoding="utf-8")
    assert "<h1>a &lt;b&gt;run &amp; &#39;ü&#39;</h1>" in page
    assert "<b>run &" not in page
    assert "<img src=x>" not in page
    assert "gantool evaluate &#39;" in page  # quoted for the shell, then for HTML


def test_an_evaluation_and_a_study_are_shown(run: Path) -> None:
    pytest.importorskip("scipy")
    from gantool.evaluation.turing.study import FILE, Study

    arm = {"mean": 5.1, "low": None, "high": None, "runs": 1, "unit": "deg", "n": 9, "ratio": None, "note": "<u>"}
    data = {"verdict": "no difference", "sentence": "No measurable <difference>.", "downstream": {"refined": arm}}
    data["caveats"] = ["Equalising does <better>."]
    (run / "evaluation.json").write_text(json.dumps(data), encoding="utf-8")
    study = Study(run / FILE)
    for kind in ("real", "refined"):
        study.add_images(kind, ["x"], [b"x"])
    study.join("Ann", against="refined", trials=2)
    study.answer(1, study.current(1) or "", "real")
    study.close()
    page = write_report(run).path.read_text(encoding="utf-8")
    assert '<p class="verdict no-difference">No measurable &lt;difference&gt;.</p>' in page
    assert '<p class="note">Equalising does &lt;better&gt;.</p>' in page
    assert "Not evaluated yet" not in page
    assert "&lt;u&gt;" in page
    assert "Visual Turing test" in page
    assert "Not different from chance" in page


def test_a_page_that_gets_too_large_shows_fewer_images(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = write_report(run, images=24)
    monkeypatch.setattr(write, "MAX_BYTES", full.size - 1)
    less = write_report(run, images=24)
    assert less.size < full.size
    assert "12 synthetic images of the run" in less.path.read_text(encoding="utf-8")


def test_without_weights_the_page_says_so(run: Path) -> None:
    (run / "config.json").unlink()
    written = write_report(run)
    page = written.path.read_text(encoding="utf-8")
    assert "it has a run.json but no weights yet" in written.notes[0]
    assert "No pictures:" in page
    assert 'id="grid"' not in page
    assert "Losses" in page


def test_images_that_the_user_names_must_be_there(run: Path) -> None:
    with pytest.raises(GantoolError, match="nowhere does not exist"):
        write_report(run, real="nowhere")
    assert not (run / "report.html").exists()


def test_other_real_images_are_brought_to_the_size_of_the_run(run: Path, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for number in range(3):
        Image.new("RGB", (40 + number, 30), (number * 80, 10, 10)).save(tmp_path / "photos" / f"{number}.png")
    page = write_report(run, real=str(tmp_path / "photos")).path.read_text(encoding="utf-8")
    assert "3 images of" in page
    assert page.count('alt="Real image ') == 3


def test_only_reports_are_replaced(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "notes.html"
    other.write_text("mine")
    with pytest.raises(GantoolError, match=r"notes\.html exists and is no report of gantool"):
        write_report(run, output=other)
    assert other.read_text() == "mine"
    with pytest.raises(GantoolError, match="is a folder"):
        write_report(run, output=tmp_path)
    write_report(run, images=1)
    write_report(run, images=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["RUN", "--images", "0"], "--images: input should be greater than or equal to 1, got 0"),
        (["RUN", "--checkpoint", "x"], "last, best"),
    ],
)
def test_bad_input_is_one_line(run: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert gantool(["report", *(str(run) if word == "RUN" else word for word in words)]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1


def test_a_missing_extra_is_named(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    assert gantool(["report", str(run)]) == 2
    assert "gantool report needs jinja2: pip install 'simgan-plugin[report]'" in capsys.readouterr().err


def test_buffers_of_every_checkpoint_are_found(trained: Path) -> None:
    held = read_history(trained, (1, 12, 16), count=3, seed=0)
    assert [each["step"] for each in held] == [4, 8]
    assert {(each["name"], each["count"], len(each["shown"])) for each in held} == {("history.images", 8, 3)}
    assert read_history(trained, (3, 12, 16), count=3, seed=0) == []


def test_differences_are_blue_where_darker_and_red_where_brighter() -> None:
    import base64
    import io

    from PIL import Image

    before = torch.zeros(1, 1, 8, 8)
    after = before.clone()
    after[..., :4] = -0.5
    after[..., 4:] = 0.5
    (picture,) = differences(before, after, scale=0.25)
    image = Image.open(io.BytesIO(base64.b64decode(picture.uri.partition(",")[2])))
    assert image.getpixel((0, 0)) == (33, 102, 172)
    assert image.getpixel((7, 0)) == (178, 24, 43)


@pytest.mark.parametrize(("form", "size"), [((1, 35, 55), (165, 105)), ((3, 512, 300), (150, 256)), ((5, 8, 8), (192, 192))])
def test_pictures_are_shown_at_a_fitting_size(form: tuple[int, int, int], size: tuple[int, int]) -> None:
    (picture,) = pictures(torch.zeros(1, *form))
    assert (picture.width, picture.height) == size


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 9, "phase": "adversarial", "loss": NaN, "gap": Infinity, "peak": 1e999}',
        '{"step": 9, "phase": "adversarial", "loss": 1' + "0" * 400 + "}",
        '{"step": 1' + "0" * 400 + ', "loss": 1.0}',
        '{"step": true, "loss": {"a": [1]}}',
        '{"step": 9, "phase": ["x"], "loss": "high", "gap": {"a": 1}}',
        "[" * 100_000,
        "3",
    ],
)
def test_the_report_outlives_a_log_that_diverged_or_is_damaged(run: Path, line: str) -> None:
    wanted = write_report(run).size
    with (run / "metrics.jsonl").open("a") as file:
        file.write(line + "\n")
    assert abs(write_report(run).size - wanted) < 100_000


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", "[" * 100_000),
        ("run.json", '{"plugin": "simgan"}'),
        ("run.json", '{"plugin": "simgan", "parts": {}, "options": {}, "dataset": "a:b", "metric": "a:b", "versions": [1]}'),
        ("evaluation.json", "[" * 100_000),
        ("evaluation.json", '{"verdict": "helps", "downstream": []}'),
        ("evaluation.json", "3"),
    ],
)
def test_files_of_a_run_that_are_not_as_they_should_be_are_one_line(
    run: Path, file: str, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / file).write_text(content)
    assert gantool(["report", str(run)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert said.count("\n") == 1
    assert str(run / file) in said


def test_a_study_is_read_without_writing(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("scipy")
    from gantool.evaluation.turing.study import FILE, Study

    Study(run / FILE).close()
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    monkeypatch.setattr(Path, "touch", lambda *_, **__: pytest.fail("written"))
    assert gantool(["turing-test", str(run), "--results"]) == 0
    assert gantool(["report", str(run), "--output", str(run.parent / "page.html")]) == 0
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == before
    (run / FILE).write_bytes((run / FILE).read_bytes()[:4096] + b"x" * 8192)
    assert gantool(["turing-test", str(run), "--results"]) == 2
    assert "damaged" in capsys.readouterr().err
