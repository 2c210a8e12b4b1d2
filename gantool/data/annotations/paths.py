"""Paths in annotation files that lead to the images that are read, made to lead to those that are written."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape


def rewrite_paths(data: bytes, source: Path, output: Path) -> bytes:
    """Replace the folder `source`, where it is written out as an absolute path, by `output`.

    Relative paths stay: names and folders do not change. Text is replaced in place, so everything else stays byte for byte;
    JSON's and XML's ways to write a path are known.
    """
    target = output.absolute()
    for place in dict.fromkeys((source.absolute(), source.resolve())):
        for before, after in zip(_spellings(place), _spellings(target), strict=True):
            # A longer name that begins alike is another folder.
            pattern = rb"(?<![\w./-])" + re.escape(before) + rb"(?=[/\\\"'<,;\s\]}]|$)"
            data = re.sub(pattern, lambda _, new=after: new, data)  # type: ignore[misc]
    return data


def rewrite_table_paths(data: bytes, source: Path, output: Path) -> bytes:
    """As `rewrite_paths` for a Parquet file, in its columns of text."""
    import pyarrow as pa
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(data))
    changed = False
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            before = table.column(place).to_pylist()
            after = [_rewrite_text(text, source, output) for text in before]
            if after != before:
                table, changed = table.set_column(place, field, pa.array(after, field.type)), True
    if not changed:
        return data
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


def _rewrite_text(text: Any, source: Path, output: Path) -> Any:
    return rewrite_paths(text.encode(), source, output).decode() if isinstance(text, str) else text


def _spellings(path: Path) -> list[bytes]:
    text = str(path)
    in_json = json.dumps(text)[1:-1]
    spellings = [text, in_json, json.dumps(text, ensure_ascii=False)[1:-1], in_json.replace("/", "\\/"), escape(text)]
    return [spelling.encode() for spelling in spellings]
