"""What two sets hold, on planted ones: rings that only one of them has."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from gantool import GantoolError
from gantool.cli.main import run
from gantool.data.inspection.content import compare_content
from gantool.data.opening import open_images


def picture(draw, *, ring: bool, ink: int, side: int = 32) -> np.ndarray:
    """A bar at one of few places, or a ring, which has no place."""
    image = np.full((side, side), 200.0)
    if ring:
        rows, columns = np.mgrid[:side, :side] - side / 2
        image[np.abs(np.hypot(rows, columns) - side / 3) < 3] = ink
    else:
        image[:, draw.integers(0, 4) * 8 :][:, :4] = ink
    return (image + draw.normal(0, 3, image.shape)).clip(0, 255).astype(np.uint8)


def write(path, count, *, rings, ink, seed, side=32):
    draw = np.random.default_rng(seed)
    np.savez(path, image=np.stack([picture(draw, ring=number < rings, ink=ink, side=side) for number in range(count)]))
    return path


@pytest.fixture
def sets(tmp_path):
    return write(tmp_path / "a.npz", 80, rings=0, ink=20, seed=0), write(tmp_path / "b.npz", 100, rings=30, ink=110, seed=1)


def test_what_only_one_set_holds_is_found_and_shown(sets):
    found = compare_content(*map(open_images, sets), limit=1000)
    assert found.size == "32x32"
    assert found.real_alone == pytest.approx(0.3, abs=0.08)
    assert found.synthetic_alone < 0.1
    rings = [image[16, 4:8].mean() < 150 and image[:, 0].mean() > 150 for image in found.alone[1]]
    assert np.mean(rings) > 0.7
    for one, others in found.pairs:
        assert len(others) == 5
        bars = [np.argsort(image[..., 0].mean(axis=0))[:4] // 8 for image in (one, *others)]
        assert all(set(bar) == set(bars[0]) for bar in bars)
    (said,) = found.findings()
    assert f"{found.real_alone:.0%} of the real patches hold what no synthetic one holds" in said.text
    assert "--match" in said.advice
    alike = compare_content(open_images(sets[1]), open_images(sets[1]), limit=1000)
    assert not list(alike.findings())


def test_patches_of_larger_pictures_are_compared_at_their_size_and_other_sizes_are_matched(tmp_path):
    large = [write(tmp_path / f"{seed}.npz", 6, rings=0, ink=30, seed=seed, side=80) for seed in (0, 1)]
    assert compare_content(*map(open_images, large), limit=4).size == "64x64"
    small = write(tmp_path / "small.npz", 6, rings=0, ink=30, seed=2, side=40)
    assert compare_content(open_images(large[0]), open_images(small), limit=9).size == "40x40"


def test_inspect_takes_two_sets_and_draws_what_they_hold(sets, tmp_path, capsys):
    words = ["data", "inspect", *map(str, sets)]
    assert run([*words, "--sheet", str(tmp_path / "sheet.png"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["content"]["patch"] == "32x32"
    assert told["content"]["real_alone"] == pytest.approx(0.3, abs=0.08)
    assert "content" in [finding["topic"] for finding in told["differences"]]
    # Three blocks of eight cells.
    assert Image.open(tmp_path / "sheet.png").width > 3 * 8 * 96
    assert run(["data", "inspect", str(sets[0]), "--against", str(sets[1])]) == 0
    assert "30% of the real patches" in capsys.readouterr().out.replace("29%", "30%").replace("31%", "30%")
    assert run([*words, "--against", str(sets[1])]) == 2
    assert "leave it out" in capsys.readouterr().err


def test_sets_that_cannot_be_compared_are_still_inspected(sets, tmp_path, capsys):
    folder = tmp_path / "damaged"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(np.full((32, 32), 60 * number, np.uint8)).save(folder / f"{number}.png")
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:60])
    with pytest.raises(GantoolError, match=r"1\.png"):
        compare_content(open_images(sets[0]), open_images(folder), limit=9)
    assert run(["data", "inspect", str(sets[0]), str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["content"] is None
    assert any("was not compared" in finding["text"] for finding in told["differences"])
