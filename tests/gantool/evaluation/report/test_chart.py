from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

pytest.importorskip("markupsafe")

from gantool.evaluation.report.chart import Series, line_chart


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def points(svg: str) -> list[list[tuple[float, float]]]:
    lines = [line.get("points", "").split() for line in drawn(svg).iter("polyline")]
    return [[(float(x), float(y)) for x, y in (pair.split(",") for pair in line)] for line in lines]


def test_lines_follow_the_figures() -> None:
    chart = line_chart("Loss", [Series("loss", ((0, 4.0), (50, 2.0), (100, 0.0)))], key="a")
    ((first, middle, last),) = points(chart.svg)
    assert first[1] < middle[1] < last[1]  # y grows downwards
    assert middle[0] - first[0] == pytest.approx(last[0] - middle[0], abs=0.2)
    assert middle[1] - first[1] == pytest.approx(last[1] - middle[1], abs=0.2)


def test_a_screen_reader_gets_a_name_and_a_summary() -> None:
    chart = line_chart("Loss", [Series("refiner_loss", ((0, 4.0), (10, 0.5)))], key="k")
    root = drawn(chart.svg)
    assert root.get("role") == "img"
    assert {root.find("title").get("id"), root.find("desc").get("id")} == set(root.get("aria-labelledby").split())  # type: ignore[union-attr]
    assert root.find("desc").text == "refiner loss goes from 4 to 0.5, lowest 0.5, highest 4"  # type: ignore[union-attr]


def test_names_are_escaped() -> None:
    chart = line_chart("<b>&", [Series('<script>"x"', ((0, 1.0), (1, 2.0)))], key="k", phases=[(1, "<i>")])
    assert "<script>" not in chart.svg
    assert drawn(chart.svg).find("title").text == "<b>&"  # type: ignore[union-attr]


@pytest.mark.parametrize("values", [(3.0,), (0.0, 0.0), (1e-9, 1e-9), (-5.0, -5.0), (1e12, -1e12), (0.1, 0.2, 0.15)])
def test_any_figures_stay_inside_the_picture(values: tuple[float, ...]) -> None:
    chart = line_chart("x", [Series("x", tuple(enumerate(values)))], key="k")
    for x, y in points(chart.svg)[0]:
        assert 0 <= x <= 640
        assert 0 <= y <= 240
    texts = list(drawn(chart.svg).iter("text"))
    for anchor in ("middle", "end"):  # those of one axis
        labels = [text.text for text in texts if text.get("text-anchor") == anchor]
        assert len(labels) == len(set(labels)) > 1


def test_names_at_the_ends_do_not_overlap() -> None:
    series = [Series(name, ((0, 1.0), (10, 1.0 + i / 1000))) for i, name in enumerate("abc")]
    heights = sorted(
        float(t.get("y", "")) for t in drawn(line_chart("x", series, key="k").svg).iter("text") if "name" in t.get("class", "")
    )
    assert all(b - a >= 14 for a, b in pairwise(heights))


def test_the_table_has_the_newest_row_and_gaps_where_a_figure_is_missing() -> None:
    long = Series("a", tuple((step, float(step)) for step in range(0, 1000, 10)))
    chart = line_chart("x", [long, Series("b", ((990, 7.0),))], key="k")
    assert chart.heads == ("step", "a", "b")
    assert len(chart.rows) <= 25
    assert chart.rows[-1] == ("990", "990", "7")
    assert chart.rows[0][2] == ""
