from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gantool.data.view import view
from gantool.errors import GantoolError

LINEAR = np.random.default_rng(0).random((8, 9, 3)).astype(np.float32)


def cube(path: Path, size: int = 17, three: bool = True) -> str:
    grid = np.linspace(0, 1, size)
    if three:
        rows = [(0.9 * r**0.5 + 0.05 * g, 0.95 * g**0.5, 0.9 * b**0.5 + 0.1 * r) for b in grid for g in grid for r in grid]
    else:
        rows = [(x**0.5, x**0.4, x**0.6) for x in grid]
    head = f'# made here\nTITLE "x"\nLUT_{3 if three else 1}D_SIZE {size}\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\n'
    path.write_text(head + "\n".join(" ".join(f"{v:.7f}" for v in row) for row in rows))
    return str(path)


def test_srgb_is_the_standards():
    # IEC 61966-2-1; Blender's AgX would make 190 of .636.
    display = view("srgb").to_display(np.array([[[0.636, 0.0031308, 1.0]]], np.float32))
    assert (display[0, 0] * 255).round(2).tolist() == pytest.approx([208.77, 10.31, 255.0], abs=0.01)
    assert view("none").to_display(LINEAR) == pytest.approx(LINEAR)


@pytest.mark.parametrize("name", ["srgb", "none", "1d", "3d"])
def test_there_and_back(name: str, tmp_path: Path):
    made = view(name if name in ("srgb", "none") else cube(tmp_path / "a.cube", three=name == "3d"))
    display = made.to_display(LINEAR)
    assert display.dtype == np.float32
    assert made.to_linear(display, LINEAR) == pytest.approx(LINEAR, abs=2e-4)
    # A refined picture comes back as a linear one that is shown as it.
    refined = (display * 0.8 + 0.1).clip(display.min(), display.max())
    shown = made.to_display(made.to_linear(refined, LINEAR))
    assert np.abs(shown - refined).mean() < 2e-3


def test_what_is_above_1_below_0_or_not_finite_is_kept_for_the_way_back():
    linear = np.array([[[7.5, -0.25, np.nan], [np.inf, 2.0, 0.5]]], np.float16)
    srgb = view("srgb")
    display = srgb.to_display(linear)
    assert np.isfinite(display).all()
    assert (display.min(), display.max()) == pytest.approx((0, 1))
    back = srgb.to_linear(display, linear)
    assert np.array_equal(back, linear.astype(np.float32), equal_nan=True) or back == pytest.approx(
        linear.astype(np.float32), nan_ok=True
    )
    # Half as bright where it was 7.5: still above 1.
    assert srgb.to_linear(srgb.to_display(np.full_like(linear, 0.5)), linear)[0, 0, 0] == pytest.approx(3.75, rel=1e-3)


def test_other_views_and_damaged_tables_are_named(tmp_path: Path):
    with pytest.raises(GantoolError, match="--view agx: choose one of srgb, none"):
        view("agx")
    file = tmp_path / "a.cube"
    for text in ("LUT_3D_SIZE 4\n0 0 0\n", "0 0 0\n", "LUT_1D_SIZE 2\n0 0 0\n1 x 1\n", ""):
        file.write_text(text)
        with pytest.raises(GantoolError, match=r"cannot read LUT .*a\.cube"):
            view(str(file))
    with pytest.raises(GantoolError, match=r"cannot read LUT .*b\.cube"):
        view(str(tmp_path / "b.cube"))
