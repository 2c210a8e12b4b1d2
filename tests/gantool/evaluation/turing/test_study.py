from __future__ import annotations

import sqlite3
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from gantool.errors import GantoolError
from gantool.evaluation.turing.study import Study


def take_part(study: Study, secret: str, said: str = "real", *, until: int = 10**6) -> list[str]:
    """Answer trial after trial; return what was shown."""
    person = study.participant(secret)
    assert person is not None
    shown = []
    while len(shown) < until and (trial := study.current(person.id)) is not None:
        shown.append((study.picture(person.id, trial) or b"").decode())
        assert study.answer(person.id, trial, said)
    return shown


def test_a_participant_sees_as_many_real_as_other_images_and_none_twice(study: Study) -> None:
    shown = take_part(study, study.join("Ann", against="refined", trials=12))
    assert Counter(name.partition("-")[0] for name in shown) == {"real": 6, "refined": 6}
    assert len(set(shown)) == 12


def test_the_order_is_mixed_and_differs_between_participants(study: Study) -> None:
    first, second = (take_part(study, study.join("", against="refined", trials=20)) for _ in range(2))
    assert first != second
    kinds = [name.startswith("real") for name in first]
    assert 5 <= sum(a != b for a, b in pairwise(kinds)) <= 15


def test_the_seed_decides_the_order_but_not_the_ids(tmp_path: Path) -> None:
    orders, ids = [], []
    for name in ("a", "b"):
        study = Study(tmp_path / name)
        study.note(seed="7")
        for kind in ("real", "refined"):
            study.add_images(kind, list("0123"), [f"{kind}{i}".encode() for i in range(4)])
        secret = study.join("", against="refined", trials=8)
        ids.append(study.current(1))
        orders.append(take_part(study, secret))
        study.close()
    assert orders[0] == orders[1]
    assert ids[0] != ids[1]


def test_a_second_answer_to_a_trial_changes_nothing(study: Study) -> None:
    study.join("", against="refined", trials=4)
    trial = study.current(1)
    assert trial
    assert study.answer(1, trial, "real")
    assert study.answer(1, trial, "fake")
    assert [row.said for row in study.rows()] == ["real"]


def test_answers_count_only_for_trials_that_this_participant_was_shown(study: Study) -> None:
    study.join("", against="refined", trials=4)
    study.join("", against="refined", trials=4)
    mine = study.current(1)
    assert mine
    assert not study.answer(1, "no-such-trial", "real")
    assert not study.answer(2, mine, "real")
    with sqlite3.connect(study.path) as file:
        later = file.execute("SELECT id FROM trial WHERE participant = 1 AND position = 3").fetchone()[0]
    assert not study.answer(1, later, "real")
    assert study.picture(1, later) is None
    assert study.picture(2, mine) is None
    assert study.rows() == []


def test_a_participant_goes_on_where_they_were(study: Study) -> None:
    secret = study.join("Ann", against="refined", trials=6)
    first = take_part(study, secret, until=2)
    waiting = study.current(1)
    study.close()
    again = Study(study.path)
    assert again.current(1) == waiting
    person = again.participant(secret)
    assert person is not None
    assert (person.name, person.trials, person.answered, person.finished) == ("Ann", 6, 2, False)
    assert len(set(first + take_part(again, secret))) == 6
    person = again.participant(secret)
    assert person is not None
    assert person.finished
    again.close()


def test_an_answer_is_flushed_to_the_disk(study: Study) -> None:
    assert study._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert study._connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


def test_answers_that_are_neither_real_nor_fake_cannot_be_stored(study: Study) -> None:
    study.join("", against="refined", trials=4)
    trial = study.current(1)
    assert trial
    with pytest.raises(sqlite3.IntegrityError):
        study.answer(1, trial, "perhaps")
    assert study.answer(1, trial, "real")  # and nothing hangs in a transaction


def test_images_of_a_kind_are_added_once(study: Study) -> None:
    study.add_images("real", ["late"], [b"late"])
    assert study.counts() == {"real": 10, "refined": 10, "synthetic": 10}


def test_too_many_trials_are_an_error(study: Study) -> None:
    with pytest.raises(GantoolError, match="22 trials need 11 real images, the study holds 10"):
        study.join("", against="refined", trials=22)
    assert study.unfinished() == 0


def test_correct_is_what_matches_the_kind(study: Study) -> None:
    take_part(study, study.join("", against="synthetic", trials=6), "fake")
    assert {(row.kind, row.correct) for row in study.rows()} == {("real", False), ("synthetic", True)}


def test_only_the_owner_can_read_the_token(study: Study) -> None:
    assert study.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"not a database, but long enough to be looked at" * 40, None])
def test_a_file_that_is_no_study_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.sqlite"
    if content is None:
        with sqlite3.connect(path) as file:
            file.execute("CREATE TABLE note (key TEXT, value TEXT)")
    else:
        path.write_bytes(content)
    with pytest.raises(GantoolError, match=r"other\.sqlite is no study of gantool turing-test"):
        Study(path)


def test_a_study_of_a_newer_gantool_is_refused(study: Study) -> None:
    study.note(format="2")
    with pytest.raises(GantoolError, match="newer gantool"):
        Study(study.path)
