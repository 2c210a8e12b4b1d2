"""A program of the user's, run once for each arm, seed and fold."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...errors import GantoolError
from ..downstream import Lesson
from ..peers import Augmentation
from .exchange import Exchange
from .pictures import Store
from .program import Command, run_program

FOLDER = "trainer"
"""Of logs and predictions, in a run folder."""
_HASHED = 2**26
"""Bytes of a program that are read to see whether it changed."""


class External:
    """Lets a program learn and predict, and reads what it predicted. See `downstream.Learner`.

    Args:
        command: What to run.
        exchange: In what form labels and predictions are.
        timeout: Seconds that one training may take.
        task_key: What the task is, as `cells.digest_of` takes it.

    Each training leaves its log and what the program wrote in `RUN/trainer/ARM/seed-N`; pictures and labels that it was given are
    removed where it went well.
    """

    component = "trainer"

    def __init__(self, *, command: Command, exchange: Exchange, timeout: float, task_key: Any) -> None:
        self._command, self._exchange, self._timeout, self._task_key = command, exchange, timeout, task_key
        self._stores: dict[Path, tuple[Store, Callable[[], object]]] = {}

    @property
    def options(self) -> Mapping[str, Any]:
        """The command line and the form of files."""
        return {"command": shlex.join(self._command.words), "format": self._exchange.name}

    @property
    def key(self) -> Any:
        """The same, and what stands in the files that the command line names: a program that was changed learns anew."""
        files = [Path(word) for word in self._command.words]
        return [self.options, self._task_key, {str(file): _digest(file) for file in files if file.is_file()}]

    def __call__(self, lesson: Lesson) -> Any:
        """As of `Learner`."""
        fold = f"-fold-{lesson.number}" if lesson.number else ""
        place = lesson.run / FOLDER / lesson.arm / f"seed-{lesson.seed}{fold}"
        attempt = _fresh(place)
        try:
            rows = self._learn(lesson, attempt)
        except BaseException as error:
            for _, remove in self._stores.values():
                remove()
            if not isinstance(error, GantoolError):
                raise
            log = f"; its log: {attempt / 'log.txt'}"
            raise GantoolError(f"--trainer, arm {lesson.arm}, seed {lesson.seed}: {error}{log}") from None
        for given in ("train", "test"):
            shutil.rmtree(attempt / given)
        attempt.rename(place)
        return rows

    def _learn(self, lesson: Lesson, place: Path) -> Any:
        fold, store = lesson.fold, self._store(lesson.run)
        images = fold.images.changed(Augmentation(lesson.seed)) if fold.augment else fold.images
        self._exchange.write(place / "train", store.fill(place / "train/images", images), fold.targets)
        tested = store.fill(place / "test", fold.test)
        out = place / "out"
        out.mkdir()
        values = {"train": place / "train", "test": place / "test", "out": out, "seed": lesson.seed}
        run_program(self._command.filled(values), place / "log.txt", timeout=self._timeout)
        if not (out / self._exchange.predictions).exists():
            found = ", ".join(sorted(path.name for path in out.iterdir())[:5])
            raise GantoolError(f"it wrote no {self._exchange.predictions} into {{out}}{f', but {found}' if found else ''}")
        return self._exchange.read(out, tested)

    def _store(self, run: Path) -> Store:
        """Pictures, until a program fails, or this object or this process ends."""
        if run not in self._stores:
            folder = Path(tempfile.mkdtemp(prefix=".pictures.", suffix=".tmp", dir=run / FOLDER)).absolute()
            self._stores[run] = Store(folder), weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return self._stores[run][0]


def _fresh(place: Path) -> Path:
    """A new folder beside `place`, which goes with what earlier attempts left. No program of an earlier one writes into it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for old in (place, *place.parent.glob(f"{place.name}.*")):
        shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{place.name}.", dir=place.parent)).absolute()


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.blake2b(content.read(_HASHED), digest_size=16).hexdigest()
