"""Frames as a person meets them on the command line."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import simulators as made

from gantool.cli.main import run

TINY = [
    *("--plugin", "simgan", "--batch-size", "2", "--steps", "1", "--device", "cpu", "--workers", "0", "--log", "none"),
    *("-o", "generator.width=4", "-o", "generator.blocks=1", "-o", "discriminator.width_factor=0.05", "-o", "metric.samples=32"),
    *("-o", "recipe.refiner_warmup=0", "-o", "recipe.discriminator_warmup=0"),
]


@pytest.fixture
def either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures beside what could be pictures or labels."""
    monkeypatch.chdir(tmp_path)
    for n in range(3):
        made.save(tmp_path, f"the renders/a/{n}.png", made.photo(n))
        made.save(tmp_path, f"the renders/b/{n}.png", made.ids((0, 7, 200)))
        made.save(tmp_path, f"photos/{n}.png", made.photo(n + 9))
    return tmp_path / "the renders"


def test_train_ends_with_the_words_that_refine_needs(either: Path, capsys: pytest.CaptureFixture[str]):
    words = ["--synthetic", "the renders", "--real", "photos", "--patch", "8x8", "--size", "16x16"]
    assert run(["train", *TINY, *words, "--output", "runs/a"]) == 2
    assert "say --image 'a/*' or --copy 'b/*'" in capsys.readouterr().err
    assert run(["train", *TINY, *words, "--output", "runs/a", "--copy", "b/*", "--copy", "*.txt"]) == 2
    assert "--copy '*.txt' matches no file" in capsys.readouterr().err
    assert run(["train", *TINY, *words, "--output", "runs/a", "--copy", "b/*", "--copy", "*/2.png"]) == 0
    out, err = capsys.readouterr()
    assert "pictures are brought to 16x16 (--size), and patches of 8x8 cut from that" in err
    hint = out.splitlines()[-1].removeprefix("Refine with it: gantool ")
    assert hint == f"refine runs/a --input '{either}' --copy 'b/*' --copy '*/2.png' --output DIR"
    assert run(shlex.split(hint)) == 0
    assert (either.parent / "DIR/b/0.png").read_bytes() == (either / "b/0.png").read_bytes()


def test_the_layout_that_is_printed_holds_what_was_said(either: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["data", "layout", str(either), "--copy", "b/*"]) == 0
    out, err = capsys.readouterr()
    assert 'copy = ["b/*"]' in out.splitlines()
    assert not err
    Path("my.toml").write_text(out, encoding="utf-8")
    assert run(["data", "inspect", str(either), "--layout", "my.toml"]) == 0
    assert re.search(r"^images +3 *$", capsys.readouterr().out, re.MULTILINE)
    assert run(["data", "layout", str(either), "--copy", "c/*"]) == 2
    assert capsys.readouterr().err == f"Error: --copy 'c/*' matches no file of {either}\n"
