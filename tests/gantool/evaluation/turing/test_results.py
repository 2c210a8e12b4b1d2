from __future__ import annotations

import csv
import io

import pytest

pytest.importorskip("scipy")

from gantool.evaluation.turing.results import COLUMNS, as_text, caution, comparisons, write_csv
from gantool.evaluation.turing.study import Study


def answer_all(study: Study, name: str, *, knows: bool, against: str = "refined", trials: int = 20) -> None:
    secret = study.join(name, against=against, trials=trials)
    person = study.participant(secret)
    assert person is not None
    while (trial := study.current(person.id)) is not None:
        real = (study.picture(person.id, trial) or b"").startswith(b"real")
        study.answer(person.id, trial, "real" if real or not knows else "fake")


def test_table_and_test_of_people_who_know_and_who_do_not(study: Study) -> None:
    answer_all(study, "Ann", knows=True)
    answer_all(study, "", knows=False)
    (comparison,) = comparisons(study)
    assert comparison.confusion == type(comparison.confusion)(20, 0, 10, 10)
    assert [(name, each.accuracy) for name, each in comparison.participants] == [("Ann", 1.0), ("participant 2", 0.5)]
    text = as_text(comparison)
    assert [line.split() for line in text.splitlines()[1:3]] == [["real", "20", "0"], ["refined", "10", "10"]]
    assert "30 of 40 answers are right" in text
    assert "not: see the accuracy of each" in caution(study, [comparison])


def test_refined_and_synthetic_images_are_studies_of_their_own(study: Study) -> None:
    answer_all(study, "Ann", knows=False)
    answer_all(study, "Bob", knows=True, against="synthetic")
    refined, synthetic = comparisons(study)
    assert (refined.against, refined.confusion.correct) == ("refined", 10)
    assert (synthetic.against, synthetic.confusion.correct) == ("synthetic", 20)
    assert synthetic.to_dict()["p_value"] == pytest.approx(2**-19)
    assert synthetic.to_dict()["p_value_one_sided"] == pytest.approx(2**-20)


def test_unfinished_participants_are_mentioned(study: Study) -> None:
    study.join("Ann", against="refined", trials=4)
    assert caution(study, comparisons(study)).startswith("1 participant has trials left")


def test_every_answer_is_a_row_of_the_csv_file(study: Study) -> None:
    answer_all(study, '=HYPERLINK("x")', knows=True, trials=4)
    file = io.StringIO()
    assert write_csv(study, file) == 4
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["position"] for row in rows] == ["1", "2", "3", "4"]
    assert {row["correct"] for row in rows} == {"1"}
    assert {(row["shown_image"], row["said"]) for row in rows} == {("real", "real"), ("refined", "synthetic")}
    assert {row["name"] for row in rows} == {'\'=HYPERLINK("x")'}  # a spreadsheet must not run it
