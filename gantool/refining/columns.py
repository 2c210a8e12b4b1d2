"""A column of encoded images in a table: refined into one of the same type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..data.decoding import probe_bytes
from ..data.images import Form, ImageReadError
from ..data.parquet.layout import encoded_images, is_struct
from .encoded import FileFrame, encode_refined, read_frame
from .job import Job
from .parts import PartReport
from .pipeline import Failed, Pipeline, make_batches


class ImageColumn:
    """The images of a column, or of a part of one, on their way."""

    def __init__(self, job: Job, column: Any, name: Callable[[int], str], report: PartReport) -> None:
        """`name` says what the image of a row is called."""
        self._job, self._column, self._name, self._report = job, column, name, report
        self._before = encoded_images(column)

    def refine(self) -> Any:
        """Return the column with refined images in it."""
        after: dict[int, bytes] = {}
        batches = make_batches(self._forms(), self._job.treatment, self._job.batch_size)
        pipeline: Pipeline[int, FileFrame, bytes] = Pipeline(self._read, self._job.network, self._finish, self._job.threads)
        for row, result in pipeline.run(batches):
            if isinstance(result, Failed):
                self._report.failed.append(result)
            else:
                after[row] = result
            self._job.watcher.advance()
        self._report.names += [self._name(row) for row in sorted(after)]
        return self._like(after)

    def _forms(self) -> dict[int, Form]:
        forms: dict[int, Form] = {}
        for row, data in enumerate(self._before):
            try:
                if data is not None:
                    forms[row] = probe_bytes(data, self._name(row))
            except ImageReadError as error:
                self._report.failed.append(Failed(error.name, error.cause))
                self._job.watcher.advance()
        return forms

    def _read(self, row: int) -> FileFrame | Failed:
        return read_frame(self._before[row] or b"", self._job.treatment, self._name(row))

    def _finish(self, row: int, frame: FileFrame, refined: np.ndarray) -> bytes | Failed:
        return encode_refined(frame, refined, self._job.treatment, self._name(row))

    def _like(self, images: dict[int, bytes]) -> Any:
        import pyarrow as pa

        values: list[Any] = [images.get(row) for row in range(len(self._before))]
        if is_struct(self._column.type):
            others = self._column.to_pylist()
            values = [value and {**other, "bytes": value} for value, other in zip(values, others, strict=True)]
        return pa.chunked_array([pa.array(values, self._column.type)])
