"""The page in a real browser, opened from disk."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jinja2")

from gantool.evaluation.report.write import write_report


@pytest.fixture(scope="module")
def page(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("page") / "a report's #1 page.html"
    return write_report(trained, output=target, images=6).path.as_uri()


def pixels(browser: Any) -> np.ndarray:
    """What the first pair looks like now, (H, W, 3)."""
    from PIL import Image

    stack = browser.find_element("css selector", "#grid .stack")
    return np.asarray(Image.open(io.BytesIO(stack.screenshot_as_png)).convert("RGB")).astype(int)


def move(browser: Any, name: str, value: str) -> None:
    browser.execute_script(
        "const it = document.getElementById(arguments[0]); it.value = arguments[1]; it.dispatchEvent(new Event('input'))",
        name,
        value,
    )


def paint(browser: Any) -> None:
    """Make the refined image white and the synthetic one black, so that pixels tell which is seen."""
    browser.execute_script(
        "document.querySelectorAll('#grid .after').forEach(it => it.style.filter = 'brightness(0) invert(1)');"
        "document.querySelectorAll('#grid .before').forEach(it => it.style.filter = 'brightness(0)')"
    )


def test_the_slider_moves_the_picture(browser: Any, page: str) -> None:
    browser.get(page)
    paint(browser)
    shares = {}
    for value in ("0", "25", "75", "100"):
        move(browser, "split", value)
        shares[value] = float((pixels(browser) > 200).all(axis=2).mean())
    assert shares["0"] > 0.95
    assert shares["25"] == pytest.approx(0.75, abs=0.05)
    assert shares["75"] == pytest.approx(0.25, abs=0.05)
    assert shares["100"] < 0.05


def test_the_slider_is_worked_from_the_keyboard(browser: Any, page: str) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(page)
    slider = browser.find_element("id", "split")
    slider.send_keys(Keys.HOME)
    assert browser.execute_script("return getComputedStyle(document.getElementById('grid')).getPropertyValue('--split')") == "0%"
    assert slider.get_attribute("aria-valuetext").startswith("0 %")
    assert slider.accessible_name == "Divider"


def test_flicker_is_off_slow_and_can_be_stopped(browser: Any, page: str) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(page)
    # Time is measured by the page: what it asks its clock for, not what a busy machine makes of it.
    browser.execute_script(
        "window.asked = []; window.setInterval = (call, time) => { asked.push(time); window.call = call; return 7 }"
    )
    flicker = browser.find_element("id", "flicker")
    assert not flicker.is_selected()
    flicker.send_keys(Keys.SPACE)
    for rate in ("0.5", "3", "60"):
        move(browser, "rate", rate)
    asked = browser.execute_script("return asked")
    assert asked[:2] == [1000, 2000]
    assert min(asked) >= 1000 / 3
    classes = [browser.execute_script("call(); return document.getElementById('grid').className") for _ in range(2)]
    assert ["showing-after" in text for text in classes] == [True, False]
    flicker.send_keys(Keys.ESCAPE)
    assert not flicker.is_selected()
    assert "showing" not in browser.find_element("id", "grid").get_attribute("class")


def test_difference_maps_can_be_hidden(browser: Any, page: str) -> None:
    browser.get(page)
    maps = browser.find_element("id", "maps")
    shown = browser.find_element("css selector", "#grid .map")
    assert shown.is_displayed()
    maps.send_keys(" ")
    assert not shown.is_displayed()


def test_nothing_is_loaded_and_everything_has_a_name(browser: Any, page: str) -> None:
    browser.get(page)
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(it => it.name)")
    assert [name for name in loaded if not name.startswith("data:")] == []
    assert browser.execute_script("return [...document.images].every(it => it.complete && it.naturalWidth > 0 && it.alt)")
    unnamed = "return [...document.querySelectorAll('input')].filter(it => !it.labels.length).length"
    assert browser.execute_script(unnamed) == 0
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map(it => it.id)")
    assert len(ids) == len(set(ids))
    links = browser.execute_script("return [...document.querySelectorAll('a')].map(it => it.getAttribute('href').slice(1))")
    assert set(links) <= set(ids)
    assert browser.execute_script("return document.querySelectorAll('header, nav, main, footer').length") == 4


def test_light_dark_and_small_screens(browser: Any, page: str) -> None:
    browser.get(page)
    papers = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        papers.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert papers == ["rgb(251, 251, 249)", "rgb(21, 24, 27)"]
    size = {"width": 340, "height": 700, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 340
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
