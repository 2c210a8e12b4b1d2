"""Every layout from the first command to the last: looked at, trained on, refined; what is no picture stays byte for byte."""

from __future__ import annotations

import shlex
from pathlib import Path

import layouts_of_all as every
import pytest
import simulators as made

from gantool.cli.main import run
from gantool.data.layouts.choosing import read_frames

TINY = [
    *("--plugin", "simgan", "--batch-size", "2", "--steps", "1", "--patch", "12x16", "--channels", "3", "--view", "none"),
    *("--device", "cpu", "--workers", "0", "--log", "none", "-o", "generator.width=4", "-o", "generator.blocks=1"),
    *("-o", "discriminator.width_factor=0.05", "-o", "metric.samples=16"),
    *("-o", "recipe.refiner_warmup=0", "-o", "recipe.discriminator_warmup=0"),
]


@pytest.mark.parametrize("layout", every.WRITERS)
def test_a_layout_from_the_first_command_to_the_last(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    every.WRITERS[layout](tmp_path / "in")
    found = read_frames(tmp_path / "in")
    for n in range(2):
        made.save(tmp_path, f"real/{n}.png", made.photo(n))
    assert run(["data", "inspect", "in", "--sheet", "sheet.png"]) == 0
    assert "look like masks" not in capsys.readouterr().out
    assert Path("sheet.png").stat().st_size > 1000
    assert run(["train", *TINY, "--synthetic", "in", "--real", "real", "--output", "run"]) == 0
    said = capsys.readouterr()
    assert f"{len(found.frames)} synthetic and 2 real images, patches of 12x16 px" in said.err
    assert found.summary() in said.err
    hint = said.out.splitlines()[-1].removeprefix("Refine with it: gantool ").replace("--input DIR", "--input in")
    assert run([*shlex.split(hint), "--device", "cpu"]) == 0
    assert f"{len(found.frames)} images refined" in capsys.readouterr().out.replace("1 image ", "1 images ")
    pictures = {frame.picture.file for frame in found.frames}
    before, after = (
        {str(path.relative_to(root)): path.read_bytes() for path in sorted(Path(root).rglob("[!.]*")) if path.is_file()}
        for root in ("in", "DIR")
    )
    assert {file for file in before if before[file] != after.get(file)} <= pictures
    assert set(after) == set(before)
