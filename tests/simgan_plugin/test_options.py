from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from gantool import GantoolError
from gantool.options import derived, describe, to_dict, validate
from simgan_plugin import options

CLASSES = [
    options.RefinerOptions,
    options.DiscriminatorOptions,
    options.WholeImageOptions,
    options.SelfRegularizationOptions,
    options.HistoryOptions,
]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_option_is_documented_and_its_default_is_valid(cls: type) -> None:
    for option in describe(cls):
        assert len(option.doc) > 20, option.name
    assert validate(cls, to_dict(cls()), where="x.") == cls()


def test_describing_the_options_imports_neither_torch_nor_numpy() -> None:
    code = "import sys, simgan_plugin.options; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("cls", "values", "said"),
    [
        (options.RefinerOptions, {"kernel": 4}, "kernel must be odd"),
        (options.RefinerOptions, {"kernel": 0}, "kernel"),
        (options.RefinerOptions, {"width": 0}, "width"),
        (options.RefinerOptions, {"padding": "circular"}, "'reflect'"),
        (options.DiscriminatorOptions, {"depth": 5}, "depth"),
        (options.DiscriminatorOptions, {"width_factor": 0.0}, "width_factor"),
        (options.WholeImageOptions, {"grid": 0}, "grid"),
        (options.HistoryOptions, {"size": 0}, "size"),
        (options.SelfRegularizationOptions, {"psi": "features"}, "needs network"),
        (options.SelfRegularizationOptions, {"network": "a:b"}, 'psi is "identity"'),
        (options.SelfRegularizationOptions, {"psi": "gradient", "layers": ["x"]}, 'psi is "gradient"'),
    ],
)
def test_bad_values_are_one_line(cls: type, values: dict[str, object], said: str) -> None:
    with pytest.raises(GantoolError, match=said) as caught:
        validate(cls, values, where="part.")
    assert "\n" not in str(caught.value)


def test_layers_come_as_a_list_and_become_a_tuple() -> None:
    values = {"psi": "features", "network": "efficientnet-lite0", "layers": ["blocks.0"]}
    assert validate(options.SelfRegularizationOptions, values, where="x.").layers == ("blocks.0",)


def test_even_kernels_are_refused_without_validation_too() -> None:
    with pytest.raises(ValueError, match="odd"):
        options.RefinerOptions(kernel=2)


def test_show_gives_the_patch_that_d_judges() -> None:
    figures = derived(options.DiscriminatorOptions(architecture="hands", depth=2))
    assert {name: value for name, (value, _) in figures.items()} == {"receptive_field": 23, "stride": 8}
    assert all(doc for _, doc in figures.values())


@pytest.mark.parametrize(("architecture", "patches"), [("eyes", [3, 7, 15, 23]), ("hands", [7, 23, 39, 71])])
def test_the_docstring_of_depth_gives_the_right_patches(architecture: str, patches: list[int]) -> None:
    config = options.DiscriminatorOptions(architecture=architecture)  # type: ignore[arg-type]
    assert [dataclasses.replace(config, depth=depth).receptive_field for depth in (1, 2, 3, 4)] == patches
    doc = next(option.doc for option in describe(options.DiscriminatorOptions) if option.name == "depth")
    assert ", ".join(map(str, patches[:3])) + f" or {patches[3]} px for `{architecture}`" in " ".join(doc.split())
