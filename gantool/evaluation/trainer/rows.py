"""Numbers or one class per picture: a CSV table with a row per picture."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import GantoolError, cause, nearest
from .pictures import Picture, check_names

FILE = "file"
"""Heading of the column of file names."""


class Rows:
    """Tables of labels and predictions. See `exchange.Exchange`.

    Args:
        columns: Headings of what is predicted.
        classes: Names, where that is one class.
    """

    name = "csv"
    labels, predictions = "labels.csv", "predictions.csv"

    def __init__(self, columns: Sequence[str], classes: Sequence[str] = ()) -> None:
        self._columns, self._classes = list(columns), {name: number for number, name in enumerate(classes)}

    def write(self, folder: Path, pictures: Sequence[Picture], targets: Tensor) -> None:
        """(N, columns) float32, or (N,) int64 numbers of classes."""
        names = list(self._classes)
        with (folder / self.labels).open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow([FILE, *self._columns])
            for picture, row in zip(pictures, targets.tolist(), strict=True):
                table.writerow([picture.name, *([names[row]] if names else row)])

    def read(self, folder: Path, pictures: Sequence[Picture]) -> Tensor:
        """(N, columns) float32, or (N, classes) scores that are 1 for the class that was predicted."""
        found = self._table(folder / self.predictions)
        rows = {}
        for number, row in enumerate(found, 2):
            if row[FILE] in rows:
                raise GantoolError(f"{self.predictions}, line {number}: {row[FILE]} stands there twice")
            rows[row[FILE]] = self._values(row, f"{self.predictions}, line {number}")
        check_names(rows, pictures, self.predictions, "a row for each")
        return torch.tensor([rows[picture.name] for picture in pictures], dtype=torch.float32)

    def _table(self, path: Path) -> list[dict[str, Any]]:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                table = csv.DictReader(file, restval="", strict=True)
                rows, heads = list(table), table.fieldnames or []
        except (OSError, ValueError, csv.Error) as error:
            raise GantoolError(f"{path.name} cannot be read: {cause(error)}") from None
        if missing := [name for name in (FILE, *self._columns) if name not in heads]:
            raise GantoolError(f"{path.name} has no column {', '.join(missing)}: its first line must be that of {self.labels}")
        return rows

    def _values(self, row: dict[str, Any], where: str) -> list[float]:
        if self._classes:
            said = row[self._columns[0]]
            if said not in self._classes:
                raise GantoolError(f"{where}: no class {said!r}{nearest(said, self._classes, 'classes are')}")
            return [float(number == self._classes[said]) for number in range(len(self._classes))]
        try:
            values = [float(row[name]) for name in self._columns]
        except ValueError as error:
            raise GantoolError(f"{where}: {cause(error)}") from None
        if not all(map(math.isfinite, values)):
            raise GantoolError(f"{where}: {next(v for v in values if not math.isfinite(v))} is no finite number")
        return values
