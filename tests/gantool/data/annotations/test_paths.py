from __future__ import annotations

import json
from pathlib import Path

import pytest

from gantool.data.annotations.paths import rewrite_paths, rewrite_table_paths

SOURCE, OUTPUT = Path("/data/in ü"), Path("/out/é & co")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": "/data/in ü/x.png"}', '{"a": "/out/é & co/x.png"}'),
        ('{"a": "/data/in \\u00fc/x.png"}', '{"a": "/out/\\u00e9 & co/x.png"}'),
        ('{"a": "\\/data\\/in \\u00fc\\/x.png"}', '{"a": "\\/out\\/\\u00e9 & co\\/x.png"}'),
        ("path: /data/in ü\ntrain: images", "path: /out/é & co\ntrain: images"),
        ("path: /data/in ü", "path: /out/é & co"),
        ("/data/in ü/a.png,1\n/data/in ü/b.png,2", "/out/é & co/a.png,1\n/out/é & co/b.png,2"),
        ("/data/in ü2/a.png and /my/data/in ü/a.png and x/data/in ü", None),
    ],
)
def test_absolute_paths_into_the_input_are_rewritten(before: str, after: str | None):
    assert rewrite_paths(before.encode(), SOURCE, OUTPUT).decode() == (before if after is None else after)


def test_xml_stays_xml():
    source = Path("/a & b")
    assert rewrite_paths(b"<path>/a &amp; b/x.png</path>", source, OUTPUT).decode() == "<path>/out/é &amp; co/x.png</path>"


def test_links_are_followed(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    data = f"{tmp_path}/real/a.png {tmp_path}/link/b.png".encode()
    assert rewrite_paths(data, tmp_path / "link", tmp_path / "out").decode() == f"{tmp_path}/out/a.png {tmp_path}/out/b.png"


def test_tables_keep_everything_else(tmp_path: Path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pa.table({"path": ["/data/in ü/a.png", None, "b.png"], "x": pa.array([1, 2, 3], pa.int16())})
    table = table.replace_schema_metadata({"note": json.dumps({"by": "me"})})
    parquet.write_table(table, tmp_path / "t.parquet")
    data = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "new.parquet").write_bytes(rewrite_table_paths(data, SOURCE, OUTPUT))
    new = parquet.read_table(tmp_path / "new.parquet")
    assert new.schema.equals(table.schema, check_metadata=True)
    assert new.to_pydict() == {"path": ["/out/é & co/a.png", None, "b.png"], "x": [1, 2, 3]}
    assert rewrite_table_paths(data, Path("/elsewhere"), OUTPUT) == data
