from __future__ import annotations

import subprocess
import sys

import pytest

import gantool.testing
from gantool import GantoolError
from gantool.testing import Fault, collect


def test_conformance_is_one_pytest_case_per_rule(plant):
    plant()
    test = gantool.testing.conformance("good")
    (mark,) = test.pytestmark
    assert mark.name == "parametrize"
    assert [parameter.id for parameter in mark.args[1]] == [case.name for case in collect("good")]


def test_failure_is_one_line_and_what_the_plugin_raised_keeps_its_traceback(plant, tmp_path):
    plant(("return x.tanh()", "return x.no_such_method()"), ("return (a - b).square().mean()", "return (a - b).square()"))
    test = gantool.testing.conformance("good")
    cases = {case.name: case for case in collect("good")}
    with pytest.raises(Fault, match=r"its forward of \(2, 3, 32, 40\) raised AttributeError") as raised:
        test(cases["generator-net-keeps-the-size"], tmp_path)
    assert isinstance(raised.value.__cause__, AttributeError)
    with pytest.raises(pytest.fail.Exception, match="not a 0-d tensor") as said:
        test(cases["loss-distance-gives-one-figure"], tmp_path)
    assert not said.value.pytrace


def test_plugin_that_cannot_be_loaded_has_one_failing_check(site, tmp_path):
    site.plant("bad", "import no_such_module")
    (case,) = collect("bad")
    assert case.name == "plugin-loads"
    with pytest.raises(Fault, match=r"plugin 'bad' \(gantool-bad 1.0\) is broken: ModuleNotFoundError: No module named 'no_such"):
        case.run(tmp_path)
    (case,) = collect("nothing-of-this-name")
    with pytest.raises(Fault, match="no plugin 'nothing-of-this-name' is installed"):
        case.run(tmp_path)


def test_options_reach_the_component_and_the_recipe_that_uses_it(plant, tmp_path):
    plant(
        (
            "self.first = nn.Conv2d(channels.images, config.width",
            "assert config.width == 7\n        self.first = nn.Conv2d(channels.images, 7",
        ),
        ("nn.Conv2d(config.width, channels.images", "nn.Conv2d(7, channels.images"),
    )
    checks = ("generator-net-keeps-the-size", "recipe-both-says-how-long-it-takes")
    for options, passes in (({"net": {"width": 7}}, True), ({"generator/net": {"width": 7}}, True), ({}, False)):
        cases = {case.name: case for case in collect("good", options=options)}
        for number, name in enumerate(checks):
            folder = tmp_path / f"{len(options)}{passes}{number}{next(iter(options), '').replace('/', '-')}"
            folder.mkdir()
            if passes:
                cases[name].run(folder)
            else:
                with pytest.raises(Fault, match="AssertionError"):
                    cases[name].run(folder)


def test_options_may_be_a_function_that_makes_the_data(plant, tmp_path):
    plant(
        (
            '    yield Component(name="ramps", factory="planted_parts:Ramps")',
            '    yield Component(name="ramps", factory="planted_parts:Ramps", options=Place)',
        ),
        (
            "@hookimpl\ndef gantool_generators",
            '@dataclass(frozen=True)\nclass Place:\n    folder: str = ""\n    """Where."""\n\n\n@hookimpl\ndef gantool_generators',
        ),
        (
            "        self.source, self.target =",
            "        assert open(config.folder + '/here').read() == 'data'\n        self.source, self.target =",
        ),
    )

    def data(folder):
        (folder / "here").write_text("data")
        return {"folder": str(folder)}

    name = "dataset-ramps-images-are-of-one-form"
    next(case for case in collect("good", options={"ramps": data}) if case.name == name).run(tmp_path)
    with pytest.raises(Fault, match="its factory raised FileNotFoundError"):
        next(case for case in collect("good") if case.name == name).run(tmp_path)


def test_options_of_what_does_not_exist(plant):
    plant()
    with pytest.raises(
        GantoolError, match=r"conformance\('good'\): options for 'nett', which does not exist; did you mean 'net'\?"
    ):
        collect("good", options={"nett": {}})


def test_random_state_is_left_as_it_was(plant, tmp_path):
    import torch

    plant(("return x.tanh()", "return (x + torch.rand(1)).tanh()"))
    before = torch.get_rng_state()
    case = next(case for case in collect("good") if case.name == "generator-net-stays-in-range")
    case.run(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_importing_the_kit_imports_neither_torch_nor_pytest():
    code = "import sys, gantool.testing; print(*{'torch', 'pytest', 'numpy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


@pytest.mark.parametrize("asked", [{"channels": ()}, {"channels": (3, 0)}, {"size": (0, 40)}, {"batch_size": 0}])
def test_images_that_there_cannot_be(plant, asked):
    plant()
    with pytest.raises(GantoolError, match=r"^conformance\('good'\): no check fits channels="):
        gantool.testing.conformance("good", **asked)
