from __future__ import annotations

import importlib
import sys

import pytest

from gantool.errors import GantoolError, MissingExtra


@pytest.mark.parametrize("library", ["kornia", "albumentations"])
def test_a_missing_library_is_an_error_that_names_the_extra(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [library, *(name for name in sys.modules if name.startswith(f"{library}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"gantool.augment.{library}", raising=False)
    with pytest.raises(
        MissingExtra, match=rf"gantool\.augment\.{library} needs {library}: pip install 'simgan-plugin\[{library}\]'"
    ):
        importlib.import_module(f"gantool.augment.{library}")


def test_a_kornia_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    kornia = pytest.importorskip("kornia", reason="needs the extra kornia")
    monkeypatch.setattr(kornia, "__version__", "0.8.2")
    monkeypatch.delitem(sys.modules, "gantool.augment.kornia", raising=False)
    with pytest.raises(GantoolError, match=r"needs kornia 0\.9 or newer, found 0\.8\.2: pip install 'simgan-plugin\[kornia\]'"):
        importlib.import_module("gantool.augment.kornia")
