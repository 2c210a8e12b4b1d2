"""Which loggers observe a run: by default, by name, and with what options."""

from __future__ import annotations

import sys

import pytest

from gantool import GantoolError
from gantool.plan import resolve
from gantool.plan.choices import Choices
from gantool.plugins import Registry, load_plugins

FLUSH = {"logger.tensorboard.flush_seconds": 5}
BOARD = ("gantool:tensorboard", {"flush_seconds": 5.0})


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_plugins()


def loggers(registry, *sources):
    plan = resolve(registry, Choices(plugin="simgan"), *sources)
    # What run.json holds says the same again.
    again = resolve(registry, Choices.from_mapping(plan.to_dict(), where="run.json"))
    assert again == plan
    return [(part.component, part.options) for part in plan.loggers]


def said(*log: str, **options) -> Choices:
    return Choices(settings={"log": log} if log else {}, options=options)


@pytest.mark.parametrize("installed", [True, False])
def test_by_default_there_is_tensorboard_where_it_is_installed(registry, monkeypatch, installed):
    module = sys.modules["gantool.plan.resolve"]  # the package has a function of this name
    monkeypatch.setattr(module, "find_spec", lambda name: object() if name == "tensorboard" and installed else None)
    assert loggers(registry, said(**FLUSH)) == [BOARD] * installed
    assert loggers(registry, said("none")) == []
    assert loggers(registry, said("tensorboard", **FLUSH)) == [BOARD]


def test_a_stronger_source_names_others_and_options_of_those_that_go_say_nothing(registry):
    earlier = said("tensorboard", **FLUSH)
    assert loggers(registry, earlier, said("none")) == []
    assert loggers(registry, said("none"), earlier) == [BOARD]
    assert loggers(registry, earlier, said(**{"logger.gantool:tensorboard.flush_seconds": 7}))[0][1] == {"flush_seconds": 7.0}


@pytest.mark.parametrize(
    ("log", "options", "message"),
    [
        (["tensorbord"], {}, "no logger 'tensorbord'; did you mean 'tensorboard'"),
        (["none", "tensorboard"], {}, "--log none goes with no other, got: none, tensorboard"),
        ([], {"logger.flush_seconds": 1}, "-o logger.flush_seconds: write logger.NAME.OPTION, such as"),
        ([], {"logger.bord.flush_seconds": 1}, "no logger 'bord'"),
        ([], {"logger.tensorboard.flush": 1}, "no option logger.gantool:tensorboard.flush; options are: flush_seconds"),
        ([], {"logger.tensorboard.flush_seconds": 0}, "logger.gantool:tensorboard.flush_seconds: input should be greater than 0"),
    ],
)
def test_what_does_not_fit_is_one_line(registry, log, options, message):
    with pytest.raises(GantoolError) as error:
        loggers(registry, said(*log, **options))
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
