from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import pytest
from annotated_types import Ge, Gt, Le, Lt
from pydantic import AllowInfNan

from gantool import GantoolError, NoOptions
from gantool.errors import PluginError
from gantool.options import OptionInfo, derived, describe, to_dict, validate
from gantool.values import Size

if TYPE_CHECKING:
    from pathlib import PurePath


class Colour(enum.Enum):
    GREY = "grey"
    RGB = "rgb"


@dataclass(frozen=True)
class Options:
    """Options of a network."""

    width: Annotated[int, Ge(1), Le(1024)] = 64
    """Feature maps of every layer."""
    kernel: Annotated[int, Ge(1)] = 3
    """Side of a kernel
    in pixels."""
    rate: Annotated[float, Gt(0), Lt(1)] = 0.5
    padding: Literal["reflect", "zeros"] = "reflect"
    colour: Colour = Colour.GREY
    size: tuple[int, int] | None = None
    layers: tuple[str, ...] = ()
    residual: bool = False
    channels: Literal["auto"] | Annotated[int, Ge(1)] = "auto"
    extra: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kernel % 2 == 0:
            raise ValueError(f"Kernel must be odd, got {self.kernel}")
        if self.kernel == 13:
            raise ValueError

    @property
    def receptive_field(self) -> int:
        """Side in pixels."""
        return 2 * self.kernel

    @property
    def area(self) -> int:
        return self.kernel**2

    @property
    def _secret(self) -> int:
        raise AssertionError("private properties are not read")


def message(values: dict[str, object], where: str = "generator.") -> str:
    with pytest.raises(GantoolError) as error:
        validate(Options, values, where=where)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_valid_values_make_an_instance():
    config = validate(Options, {"width": 16, "padding": "zeros", "size": [35, 55], "colour": "rgb"}, where="generator.")
    assert config == Options(width=16, padding="zeros", size=(35, 55), colour=Colour.RGB)


def test_unknown_name_suggests_the_nearest_or_lists_all():
    assert message({"widht": 1}) == "no option generator.widht; did you mean 'width'?"
    assert message({"zzz": 1}).startswith("no option generator.zzz; options are: width, kernel, rate")
    with pytest.raises(GantoolError, match=r"^no option loss.x; it has no options$"):
        validate(NoOptions, {"x": 1}, where="loss.")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"width": 0}, "generator.width: input should be greater than or equal to 1, got 0"),
        ({"width": 2000}, "generator.width: input should be less than or equal to 1024, got 2000"),
        ({"rate": 1.0}, "generator.rate: input should be less than 1, got 1.0"),
        ({"padding": "zero"}, "generator.padding: input should be 'reflect' or 'zeros', got 'zero'"),
        ({"width": "many"}, "generator.width: input should be a valid integer, unable to parse string as an integer, got 'many'"),
        ({"colour": "red"}, "generator.colour: input should be 'grey' or 'rgb', got 'red'"),
        ({"kernel": 4}, "generator: Kernel must be odd, got 4"),
        ({"kernel": 13}, "generator: ValueError"),
        ({"width": True}, "generator.width: input should be a number, got True"),
        ({"rate": True}, "generator.rate: input should be less than 1, got True"),
        ({"channels": 0}, "generator.channels: input should be 'auto' or input should be greater than or equal to 1, got 0"),
        ({"channels": True}, "generator.channels: input should be a number, got True"),
        ({"size": [True, 2]}, "generator.size: input should be a number, got [True, 2]"),
        ({"size": (2, False)}, "generator.size: input should be a number, got (2, False)"),
        ({"extra": {"a": 1.0, "b": True}}, "generator.extra: input should be a number, got {'a': 1.0, 'b': True}"),
    ],
)
def test_value_that_is_not_allowed(values, expected):
    assert message(values) == expected


@dataclass(frozen=True)
class Numbers:
    one: float = 1.0
    maybe: float | None = None
    ratio: Annotated[float, Gt(0)] | Literal["auto"] = "auto"
    several: tuple[float, ...] = ()
    named: dict[str, tuple[float, float]] = field(default_factory=dict)
    endless: Annotated[float, AllowInfNan()] = 1.0


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 1e999, np.float32("inf"), "inf", "nan"])
@pytest.mark.parametrize("values", [{"one": 0}, {"maybe": 0}, {"ratio": 0}, {"several": [1, 0]}, {"named": {"a": [0, 1]}}])
def test_numbers_are_finite_wherever_they_stand(values, number):
    def put(value):
        inner = {dict: lambda: {key: put(each) for key, each in value.items()}, list: lambda: [put(each) for each in value]}
        return inner.get(type(value), lambda: value or number)()

    with pytest.raises(GantoolError, match=rf"^recipe\.{next(iter(values))}: .*finite number") as error:
        validate(Numbers, put(values), where="recipe.")
    assert "\n" not in str(error.value)


def test_what_reads_words_speaks_first_and_once_where_words_are_allowed_too():
    @dataclass(frozen=True)
    class Settings:
        size: Literal["keep", "run"] | Size = "keep"

    with pytest.raises(GantoolError) as error:
        validate(Settings, {"size": "foo"}, where="--")
    assert (
        str(error.value)
        == "--size: 'foo' is not HEIGHTxWIDTH in pixels, such as 35x55; otherwise input should be 'keep' or 'run'"
    )


@pytest.mark.parametrize("name", ["width", "size", "where"])
def test_an_array_in_the_wrong_place_is_quoted_in_one_line(name):
    @dataclass(frozen=True)
    class Settings:
        width: int = 1
        size: Size = (1, 1)
        where: str = ""

    with pytest.raises(GantoolError, match=rf"^{name}: .*array\(") as error:
        validate(Settings, {name: np.zeros((40, 40))}, where="")
    assert "\n" not in str(error.value)


def test_a_field_may_say_that_it_has_no_end():
    assert validate(Numbers, {"endless": math.inf}, where="").endless == math.inf


def test_values_of_flags_are_named_as_flags():
    @dataclass(frozen=True)
    class Settings:
        batch_size: Annotated[int, Ge(1)] = 1

        def __post_init__(self) -> None:
            if self.batch_size == 13:
                raise ValueError("batch_size 13 is bad luck")

    with pytest.raises(GantoolError, match=r"^--batch-size: input should be .* got 0$"):
        validate(Settings, {"batch_size": 0}, where="--")
    with pytest.raises(GantoolError, match=r"^batch_size 13 is bad luck$"):
        validate(Settings, {"batch_size": 13}, where="--")


def test_description_of_each_option():
    described = {option.name: option for option in describe(Options)}
    assert list(described) == ["width", "kernel", "rate", "padding", "colour", "size", "layers", "residual", "channels", "extra"]
    assert described["width"] == OptionInfo("width", "int", 64, "1 to 1024", "Feature maps of every layer.")
    assert described["kernel"] == OptionInfo("kernel", "int", 3, "≥ 1", "Side of a kernel\nin pixels.")
    assert described["rate"] == OptionInfo("rate", "float", 0.5, "> 0, < 1", "")
    assert {name: option.type for name, option in described.items() if name not in ("width", "kernel", "rate")} == {
        "padding": "reflect | zeros",
        "colour": "grey | rgb",
        "size": "[int, int] or none",
        "layers": "list of text",
        "residual": "true/false",
        "channels": "auto or int",
        "extra": "table",
    }
    assert described["colour"].default == "grey"
    assert describe(NoOptions) == []


@dataclass(frozen=True)
class Wider(Options):
    """Options that another class has, too."""

    kernel: int = 5
    """Another meaning."""
    depth: int = 1
    """Layers."""


def test_what_an_option_means_is_inherited_with_it():
    described = {option.name: option for option in describe(Wider)}
    assert list(described) == [*(option.name for option in describe(Options)), "depth"]
    assert described["width"] == describe(Options)[0]
    assert described["kernel"] == OptionInfo("kernel", "int", 5, "", "Another meaning.")
    assert described["depth"].doc == "Layers."


def test_derived_figures_are_the_public_properties():
    assert derived(Options(kernel=5)) == {"receptive_field": (10, "Side in pixels."), "area": (25, "")}


def test_options_survive_the_way_through_plain_data():
    config = Options(width=8, size=(2, 3), colour=Colour.RGB, extra={"a": 1.5})
    plain = to_dict(config)
    assert plain["size"] == [2, 3]
    assert validate(Options, plain, where="") == config


class Thing:
    """A type that has no form in a file or on a command line."""


@dataclass(frozen=True)
class Arbitrary:
    thing: Thing | None = None


@dataclass(frozen=True)
class Unresolved:
    path: PurePath | None = None


@pytest.mark.parametrize("options", [Arbitrary, Unresolved])
def test_options_whose_types_cannot_be_used_name_the_class(options):
    expected = rf"^the options .*{options.__name__} cannot be used: its types must be plain"
    with pytest.raises(PluginError, match=expected):
        describe(options)
    with pytest.raises(PluginError, match=expected):
        validate(options, {}, where="x.")


def test_one_word_in_the_place_of_several_is_a_list_of_one():
    from gantool.plan.settings import RefineSettings

    assert validate(RefineSettings, {"copy": "masks/*"}, where="--").copy == ("masks/*",)
    assert validate(RefineSettings, {"copy": ["masks/*", "depth/*"]}, where="--").copy == ("masks/*", "depth/*")
    with pytest.raises(GantoolError, match="^--copy: "):
        validate(RefineSettings, {"copy": 3}, where="--")


@dataclass(frozen=True)
class Maybe:
    """Options that may be left open."""

    side: Annotated[int, Ge(1), Le(9)] | None = None
    """Pixels."""
    count: Literal["auto"] | Annotated[int, Ge(2)] = "auto"
    """Of something."""


def test_bounds_of_what_may_be_something_else_are_shown_too():
    assert [(one.name, one.bounds) for one in describe(Maybe)] == [("side", "1 to 9"), ("count", "≥ 2")]
