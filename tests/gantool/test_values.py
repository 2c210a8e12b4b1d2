from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from gantool import GantoolError
from gantool.options import describe, to_dict, validate
from gantool.values import Range, Size, figure, number, parse_options, parse_pairs, parse_range, parse_size, parse_value


def test_values_are_read_as_toml_does():
    assert [parse_value(text) for text in ("1", "1.5", "true", "text", "", "35x55")] == [1, 1.5, True, "text", "", "35x55"]
    assert parse_options(["a.b=1e-4", "a.c = [1, 2]", "a.b=x=y"]) == {"a.b": "x=y", "a.c": [1, 2]}


@pytest.mark.parametrize("word", ["a.b", "=1", " =1", ""])
def test_a_word_that_is_no_pair_is_named_with_its_flag(word):
    with pytest.raises(GantoolError, match=f"^--part {word}: write SLOT=NAME$"):
        parse_pairs([word], "--part", "SLOT=NAME")


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("35x55", (35, 55)),
        ("35X55", (35, 55)),
        (" 35 x 55 ", (35, 55)),
        ([35, 55], (35, 55)),
        ((1, 1), (1, 1)),
        ([35.0, 55.0], (35, 55)),
        (np.array([35, 55]), (35, 55)),
        ([np.int64(35), np.uint8(55)], (35, 55)),
    ],
)
def test_sizes_are_height_by_width(value, size):
    read = parse_size(value)
    assert read == size
    assert [type(side) for side in read] == [int, int]


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", "35x", "axb", "1x2x3", "-1x5", "3.5x4", "0x55", "true", "trueXtrue", "1_0x5", "35x9999999999999"),
        *(35, None, True, [1], [1, 2, 3], [1, "b"], ["35", "55"], [True, 55], [35.7, 55.9], [35, 55.5], [-35, 55], [0, 1]),
        *({35: 1, 55: 2}, {35, 55}, b"#7", [math.inf, 55], [math.nan, 55], np.array([35.7, 55.9]), np.array([True, True])),
        [np.float32(35.5), 55],
    ],
)
def test_other_sizes_are_refused(value):
    with pytest.raises(ValueError, match=r"is not HEIGHTxWIDTH in pixels, such as 35x55|must be at least 1x1"):
        parse_size(value)


@pytest.mark.parametrize(
    "value", ["400,1200", " 400 , 1.2e3", [400, 1200], (400.0, 1200), np.array([400, 1200]), [np.float32(400), 1200]]
)
def test_ranges_are_low_and_high(value):
    read = parse_range(value)
    assert read == (400, 1200)
    assert [type(end) for end in read] == [float, float]


@pytest.mark.parametrize(
    "value",
    [
        *("", "5", "a,b", "1,2,3", "true,2", "1,inf", "nan,1", "-1e999,0", "2,1", "1,1"),
        *(5, None, [1], [1, 2, 3], ["1", "2"], [False, True], [2, 1], [0, math.inf], [math.nan, 1], [0, 10**400], {0, 1}, b"12"),
    ],
)
def test_other_ranges_are_refused(value):
    with pytest.raises(ValueError, match=r"is not LO,HI, such as 400,1200|must be below the second, and both finite"):
        parse_range(value)


@dataclass(frozen=True)
class Options:
    size: Size | None = None
    range: Range | None = None


def test_options_take_words_and_say_what_is_wrong_with_them_once():
    read = validate(Options, {"size": "3x5", "range": "0,1"}, where="")
    assert read == Options(size=(3, 5), range=(0.0, 1.0))
    assert validate(Options, to_dict(read), where="") == read
    assert [option.type for option in describe(Options)] == ["[int, int] or none", "[float, float] or none"]
    for values, message in (
        ({"size": "3"}, "dataset.size: '3' is not HEIGHTxWIDTH in pixels, such as 35x55"),
        ({"size": [3, 70000]}, "dataset.size: input should be less than or equal to 65535, got [3, 70000]"),
        ({"range": "2,1"}, "dataset.range: '2,1': the first value must be below the second, and both finite"),
    ):
        with pytest.raises(GantoolError) as error:
            validate(Options, values, where="dataset.")
        assert str(error.value) == message


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (True, "yes"),
        (1234, "1,234"),
        (6.0, "6.00"),
        (0.0123456, "0.0123"),
        (1e-9, "1.00e-09"),
        ("a", "a"),
    ],
)
def test_a_number_has_three_significant_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(5.1, "deg", "5.10°"), (1.234, "px", "1.23 px"), (12.34, "%", "12.3 %"), (0.01234, "label units", "0.0123"), (0, "px", "0 px"),
     (1234.5, "label units", "1,234")],
)  # fmt: skip
def test_figures_have_their_unit(value, unit, text):
    assert figure(value, unit) == text
    assert figure(5.1, unit, sign=True).startswith("+5.1")
