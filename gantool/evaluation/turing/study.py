"""The study on disk: images, participants, trials and answers in one SQLite file, each answer flushed before it is confirmed."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from ...errors import GantoolError

FILE = "turing-test.sqlite"
"""Its name in a run folder."""
FORMAT = 1
"""Grows when an older gantool could not read a study."""
REAL, REFINED, SYNTHETIC = "real", "refined", "synthetic"
"""Kinds of images."""
SAID = ("real", "fake")
"""What an image can be called."""

_TABLES = """
CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE image (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, png BLOB NOT NULL);
CREATE TABLE participant (
    id INTEGER PRIMARY KEY, secret TEXT NOT NULL UNIQUE, name TEXT NOT NULL, against TEXT NOT NULL, started TEXT NOT NULL);
CREATE TABLE trial (
    id TEXT PRIMARY KEY, participant INTEGER NOT NULL REFERENCES participant, position INTEGER NOT NULL,
    image INTEGER NOT NULL REFERENCES image, shown TEXT, UNIQUE (participant, position));
CREATE TABLE answer (
    trial TEXT PRIMARY KEY REFERENCES trial, said TEXT NOT NULL CHECK (said IN ('real', 'fake')), given TEXT NOT NULL);
"""


@dataclass(frozen=True, kw_only=True)
class Participant:
    """Someone who takes part."""

    id: int
    name: str
    against: str
    """"refined" or "synthetic": what is shown beside real images."""
    trials: int
    answered: int

    @property
    def finished(self) -> bool:
        """Whether every trial has its answer."""
        return self.answered >= self.trials


@dataclass(frozen=True, kw_only=True)
class Row:
    """An answer, with what only the server knows."""

    participant: int
    name: str
    against: str
    position: int
    kind: str
    said: str
    image: str
    shown: str
    given: str

    @property
    def correct(self) -> bool:
        """Whether the image is what it was called."""
        return (self.kind == REAL) == (self.said == "real")


class Study:
    """An open study. Safe to use from several threads, and from several processes at once.

    `reading`: the file may be one that cannot be written.

    Raises `GantoolError` for a file that is no study, is damaged, or was written by a newer gantool.
    """

    def __init__(self, path: Path, *, reading: bool = False) -> None:
        self.path = path
        self._lock = Lock()
        try:
            if not reading:
                path.touch(mode=0o600)  # it holds the token that lets a browser take part
            place = _to_read(path) if reading else path
            self._connection = sqlite3.connect(place, timeout=30, isolation_level=None, check_same_thread=False, uri=reading)
            self._connection.row_factory = sqlite3.Row
            if not reading:
                self._prepare()
            version = int(self.notes()["format"])
        except (sqlite3.Error, OSError, KeyError, ValueError) as error:
            raise GantoolError(f"{path} is no study of gantool turing-test, or damaged ({error}): pass another --study") from None
        if version > FORMAT:
            raise GantoolError(f"{path} was written by a newer gantool (format {version}): upgrade to use it")

    def _prepare(self) -> None:
        # FULL: an answer is on the disk, not only in the log of the file system, before the participant sees the next image.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._create()

    def close(self) -> None:
        """Close the file; what lies in its log is moved into it."""
        self._connection.close()

    def notes(self) -> dict[str, str]:
        """What is known of the study as a whole: token, id, seed, port, the weights that were used."""
        return dict(self._read("SELECT key, value FROM note"))

    def note(self, **values: str) -> None:
        """Remember `values`, in place of earlier ones."""
        with self._transaction() as run:
            run.executemany("INSERT OR REPLACE INTO note VALUES (?, ?)", values.items())

    def counts(self) -> dict[str, int]:
        """How many images of each kind the study holds."""
        return dict(self._read("SELECT kind, count(*) FROM image GROUP BY kind"))

    def add_images(self, kind: str, names: Sequence[str], pngs: Sequence[bytes]) -> None:
        """Add the images of one kind; nothing where another process was faster."""
        with self._transaction() as run:
            if run.execute("SELECT 1 FROM image WHERE kind = ?", (kind,)).fetchone() is None:
                rows = [(kind, name, png) for name, png in zip(names, pngs, strict=True)]
                run.executemany("INSERT INTO image (kind, name, png) VALUES (?, ?, ?)", rows)

    def join(self, name: str, *, against: str, trials: int) -> str:
        """Add a participant with `trials` trials, half of them real, in random order; return the secret that stands for them.

        Raises `GantoolError` where the study holds too few images.
        """
        with self._transaction() as run:
            number = run.execute("SELECT coalesce(max(id), 0) + 1 FROM participant").fetchone()[0]
            seed = run.execute("SELECT value FROM note WHERE key = 'seed'").fetchone()[0]
            random = np.random.default_rng([int(seed), number])
            images: list[int] = []
            for kind in (REAL, against):
                held = [row[0] for row in run.execute("SELECT id FROM image WHERE kind = ? ORDER BY id", (kind,))]
                if len(held) < trials // 2:
                    raise GantoolError(f"{trials} trials need {trials // 2} {kind} images, the study holds {len(held)}")
                images += random.permutation(held)[: trials // 2].tolist()
            secret = secrets.token_urlsafe(24)
            run.execute("INSERT INTO participant VALUES (?, ?, ?, ?, ?)", (number, secret, name, against, _now()))
            # A trial's id is all that a browser sees of it, so it is drawn apart from what is shown.
            order = enumerate(random.permutation(images).tolist())
            rows = [(secrets.token_urlsafe(16), number, position, image) for position, image in order]
            run.executemany("INSERT INTO trial (id, participant, position, image) VALUES (?, ?, ?, ?)", rows)
        return secret

    def participant(self, secret: str) -> Participant | None:
        """Return the participant whose secret this is."""
        query = """
            SELECT p.id, p.name, p.against, count(t.id) AS trials, count(a.trial) AS answered FROM participant p
            JOIN trial t ON t.participant = p.id LEFT JOIN answer a ON a.trial = t.id WHERE p.secret = ? GROUP BY p.id"""
        return next((Participant(**dict(row)) for row in self._read(query, secret)), None)

    def current(self, participant: int) -> str | None:
        """Return the id of the first trial without an answer, and note when it was shown first; None after the last."""
        query = """
            SELECT t.id, t.shown FROM trial t LEFT JOIN answer a ON a.trial = t.id
            WHERE t.participant = ? AND a.trial IS NULL ORDER BY t.position LIMIT 1"""
        for trial, shown in self._read(query, participant):
            if shown is None:
                with self._transaction() as run:
                    run.execute("UPDATE trial SET shown = ? WHERE id = ? AND shown IS NULL", (_now(), trial))
            return str(trial)
        return None

    def picture(self, participant: int, trial: str) -> bytes | None:
        """Return the PNG of a trial that this participant has been shown."""
        query = """
            SELECT i.png FROM trial t JOIN image i ON i.id = t.image
            WHERE t.id = ? AND t.participant = ? AND t.shown IS NOT NULL"""
        return next((bytes(row[0]) for row in self._read(query, trial, participant)), None)

    def answer(self, participant: int, trial: str, said: str) -> bool:
        """Store an answer; a second one to the same trial changes nothing. False for no trial that the participant was shown."""
        with self._transaction() as run:
            query = "SELECT 1 FROM trial WHERE id = ? AND participant = ? AND shown IS NOT NULL"
            if run.execute(query, (trial, participant)).fetchone() is None:
                return False
            row = (trial, said, _now())
            run.execute("INSERT INTO answer VALUES (?, ?, ?) ON CONFLICT (trial) DO NOTHING", row)
        return True

    def rows(self, participant: int | None = None) -> list[Row]:
        """Every answer (of one participant), in the order of participants and trials."""
        query = """
            SELECT p.id AS participant, p.name, p.against, t.position, i.kind, a.said, i.name AS image, t.shown, a.given
            FROM answer a JOIN trial t ON t.id = a.trial JOIN participant p ON p.id = t.participant JOIN image i ON i.id = t.image
            WHERE ?1 IS NULL OR p.id = ?1 ORDER BY p.id, t.position"""
        return [Row(**dict(row)) for row in self._read(query, participant)]

    def unfinished(self) -> int:
        """How many participants have trials without an answer."""
        query = """
            SELECT count(DISTINCT t.participant) FROM trial t LEFT JOIN answer a ON a.trial = t.id WHERE a.trial IS NULL"""
        return int(self._read(query)[0][0])

    def _create(self) -> None:
        with self._transaction() as run:
            if run.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
                for statement in _TABLES.split(";"):
                    run.execute(statement)
                fresh = {"format": str(FORMAT), "token": secrets.token_urlsafe(24), "study": secrets.token_hex(4)}
                fresh |= {"seed": str(secrets.randbits(32)), "created": _now()}
                run.executemany("INSERT INTO note VALUES (?, ?)", fresh.items())

    def _read(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise GantoolError(f"{self.path} is damaged ({error}): pass another --study") from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _to_read(path: Path) -> str:
    """How SQLite opens a file without writing. Where nobody writes it, its folder need not be one that can be written either."""
    busy = Path(f"{path}-wal").exists()
    return f"{path.absolute().as_uri()}?mode=ro{'' if busy else '&immutable=1'}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
