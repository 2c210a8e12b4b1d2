"""The command as a user runs it: a server process, a browser, a kill."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

pytest.importorskip("flask")
pytest.importorskip("waitress")
pytest.importorskip("scipy")

from gantool.cli.main import run as gantool
from gantool.evaluation.turing.results import tally
from gantool.evaluation.turing.study import FILE, Study

KNOWN = """SELECT i.kind FROM trial t JOIN image i ON i.id = t.image WHERE t.id = ?"""


@contextmanager
def served(run: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the server; yield its process and the address to open."""
    command = [sys.executable, "-m", "gantool", "turing-test", str(run), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Open http://127.0.0.1:"), process.communicate()[1]
            yield process, line.split()[1]
        finally:
            process.kill()


def stopped(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


class Person:
    """A participant without a browser."""

    def __init__(self, address: str) -> None:
        self.base = address.partition("/?")[0]
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar())).open
        self._open(address)
        self.page = self.post("join", name="Ann")

    def post(self, where: str, **form: str) -> str:
        return str(self._open(f"{self.base}/{where}", urlencode(form).encode()).read().decode())

    def answer(self, said: str) -> None:
        found = re.search(r'name="trial" value="([^"]+)"', self.page)
        assert found
        self.page = self.post("answer", trial=found[1], said=said)


@pytest.fixture
def filled(trained: Path, tmp_path: Path, study: Study) -> Path:
    """A run folder with a study that has its images, so that nothing needs torch."""
    shutil.copy(trained / "run.json", tmp_path / "run.json")
    study.close()
    study.path.rename(tmp_path / FILE)
    return tmp_path


def test_answers_survive_a_kill_and_the_open_page_goes_on(filled: Path) -> None:
    with served(filled, "--trials", "8") as (process, address):
        person = Person(address)
        for _ in range(3):
            person.answer("real")
        process.kill()
        process.wait()
    study = Study(filled / FILE)
    assert [row.said for row in study.rows()] == ["real"] * 3
    study.close()
    with served(filled, "--trials", "8") as (process, again):
        assert again == address
        for _ in range(5):
            person.answer("fake")
        assert "Thank you" in person.page
        code, said = stopped(process, signal.SIGINT)
    assert code == 0
    assert f"8 answers are in {filled / FILE}" in said
    assert "Traceback" not in said


def test_sigterm_ends_it_like_other_commands(filled: Path) -> None:
    with served(filled, "--trials", "8") as (process, _):
        code, said = stopped(process, signal.SIGTERM)
    assert code == 143
    assert "0 answers are in" in said


def test_it_listens_on_this_machine_only_and_names_no_server(filled: Path) -> None:
    with served(filled, "--trials", "8") as (_, address):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address.partition("?")[0])
        assert refused.value.code == 403
        assert refused.value.headers["Server"] is None
        refused.value.close()


def test_a_port_that_is_taken_is_one_line(filled: Path) -> None:
    with served(filled, "--trials", "8") as (_, address):
        port = address.partition("1:")[2].partition("/")[0]
        words = [sys.executable, "-m", "gantool", "turing-test", str(filled), "--trials", "8", "--port", port]
        second = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert second.stderr == f"Error: --port {port} is taken or not allowed: leave it out, and a free one is found\n"


def arrive(browser: Any, title: str) -> None:
    """Wait for the page of that title, its script included."""
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.ui import WebDriverWait

    ready = "return document.readyState === 'complete' && document.title.startsWith(arguments[0])"
    # Between two pages there is no document to ask.
    wait = WebDriverWait(browser, 30, 0.02, ignored_exceptions=(WebDriverException,))
    wait.until(lambda it: it.execute_script(ready, title))


def press(browser: Any, key: str, number: int, trials: int) -> None:
    """Press a key at trial `number` and wait for the next page."""
    browser.find_element("tag name", "body").send_keys(key)
    arrive(browser, f"{number + 2} of" if number + 1 < trials else "Thank you")


def join(browser: Any, name: str) -> None:
    arrive(browser, "Real or not?")
    browser.find_element("id", "name").send_keys(name)
    browser.find_element("tag name", "button").click()
    arrive(browser, "1 of")


def test_robots_in_a_browser(run: Path, browser: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """One answers at random, one knows; in between, the server is killed."""
    from selenium.webdriver.common.keys import Keys

    trials, guess = 16, random.Random(1)
    words = ("--trials", str(trials), "--seed", "11", "--device", "cpu")
    with served(run, *words) as (process, address):
        browser.get(address)
        assert "token" not in browser.current_url
        join(browser, "guesses")
        for number in range(5):
            press(browser, guess.choice("rf"), number, trials)
        process.kill()
        process.wait()
    with served(run, "--trials", str(trials)) as (process, again):
        assert again == address
        browser.refresh()
        arrive(browser, "6 of 16")
        assert browser.execute_script("return document.querySelector('img.shown').naturalWidth") == 16
        for number in range(5, trials):
            press(browser, guess.choice("rf"), number, trials)
        browser.find_element("tag name", "button").click()
        join(browser, "knows")
        with sqlite3.connect(run / FILE) as file:
            for number in range(trials):
                trial = browser.find_element("name", "trial").get_attribute("value")
                real = file.execute(KNOWN, (trial,)).fetchone() == ("real",)
                press(browser, Keys.ARROW_LEFT if real else Keys.ARROW_RIGHT, number, trials)
        assert f"<strong>{trials}</strong>" in browser.page_source
        assert stopped(process, signal.SIGINT)[0] == 0

    study = Study(run / FILE)
    guesses, knows = (tally(study.rows(person)) for person in (1, 2))
    study.close()
    assert guesses.trials == knows.trials == trials
    assert guesses.p_value > 0.2
    assert knows.p_value == pytest.approx(2.0 ** (1 - trials))
    assert gantool(["turing-test", str(run), "--results", "--json"]) == 0
    (arm,) = json.loads(capsys.readouterr().out)["results"]
    assert arm["correct"] == guesses.correct + trials
    assert [each["name"] for each in arm["participants"]] == ["guesses", "knows"]


def test_results_and_export_of_a_study(filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = Study(filled / FILE)
    study.join("Ann", against="refined", trials=2)
    for said in ("real", "real"):
        study.answer(1, study.current(1) or "", said)
    study.close()
    assert gantool(["turing-test", str(filled), "--results", "--export", str(tmp_path / "out.csv")]) == 0
    printed = capsys.readouterr()
    assert "labelled real  labelled synthetic" in printed.out
    assert "Not different from chance: 1 of 2" in printed.out
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["nowhere", "--results"], "there is no study nowhere/turing-test.sqlite yet: begin with gantool turing-test nowhere"),
        (["RUN", "--trials", "5"], "--trials 5: an even number, at least 2, as half of the images are real"),
        (["RUN", "--images", "3", "--trials", "8"], "--images 3: --trials 8 needs 4 of each kind"),
        (["RUN", "--json"], "--json goes with --results"),
        (
            ["RUN", "--seed", "3"],
            "--seed: RUN/turing-test.sqlite has its images already; pass --study FILE to begin another study",
        ),
        (
            ["RUN", "--real", "x"],
            "--real: RUN/turing-test.sqlite has its images already; pass --study FILE to begin another study",
        ),
        (["RUN", "--results", "--export", "no/such.csv"], "--export no/such.csv cannot be written: No such file or directory"),
    ],
)
def test_bad_input_is_one_line(filled: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(filled) if word == "RUN" else word for word in words]
    assert gantool(["turing-test", *words]) == 2
    assert capsys.readouterr().err == f"Error: {message.replace('RUN', str(filled))}\n"


def test_too_few_images_leave_no_study_behind(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gantool(["turing-test", str(run), "--trials", "80"]) == 2
    assert "has 36 real images: pass --trials 72 or fewer" in capsys.readouterr().err
    assert not (run / FILE).exists()


@pytest.mark.parametrize("package", ["flask", "waitress", "scipy"])
def test_a_missing_extra_is_named(
    run: Path, package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == package else find(name, *rest))
    assert gantool(["turing-test", str(run)]) == 2
    assert f"needs {package}: pip install 'simgan-plugin[turing-test]'" in capsys.readouterr().err
    assert not (run / FILE).exists()
