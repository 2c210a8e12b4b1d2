"""Sets that are not quite what they should be, on their way through `refine`."""

from __future__ import annotations

import io
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantool.cli.main import run
from gantool.data.inspection.survey import survey
from gantool.data.opening import open_images, open_stream
from gantool.errors import GantoolError
from gantool.refining.refine import refine


def picture(value: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 12), value, np.uint8)).save(file, format="PNG")
    return file.getvalue()


def pixels(place: Path) -> list[int]:
    images = open_images(place)
    return sorted(int(images[index].max()) for index in range(len(images)))


def one(root: Path) -> Path:
    """A folder of one image."""
    (root / "in").mkdir()
    (root / "in/a.png").write_bytes(picture(1))
    return root / "in"


def test_a_part_without_row_groups(trained, added, tmp_path: Path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    (tmp_path / "set").mkdir()
    for name, values in (("a", [picture(10)]), ("b", []), ("c", [picture(30)])):
        schema = pa.schema([("image", pa.binary())])
        with parquet.ParquetWriter(tmp_path / f"set/{name}.parquet", schema) as writer:
            if values:
                writer.write_table(pa.table({"image": values}, schema=schema))
    assert parquet.ParquetFile(tmp_path / "set/b.parquet").num_row_groups == 0
    assert pixels(tmp_path / "set") == [10, 30]
    assert sorted(int(i.max()) for i in islice(open_stream(tmp_path / "set", window=2).stream(seed=0, skip=0), 2)) == [10, 30]
    trained(added(2 * 5 / 255), 1)
    assert refine("run", input=tmp_path / "set", output=tmp_path / "out").refined == 2
    assert pixels(tmp_path / "out") == [15, 35]
    assert parquet.read_schema(tmp_path / "out/b.parquet").names == ["image"]
    with pytest.raises(GantoolError, match="no images in"):
        open_images(tmp_path / "set/b.parquet")


@pytest.mark.parametrize("group", ["", "images", "notes"])
def test_a_link_into_another_file_is_not_followed(group: str, trained, added, tmp_path: Path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["images/0"] = file["images/1"] = np.zeros((8, 12), np.uint8)
        file.require_group(group or "/")["away"] = h5py.ExternalLink("secret.h5", "/data")
    trained(added(0), 1)
    told = rf"set\.h5: {group}/away is a link into another file, secret\.h5, which gantool does not follow"
    with pytest.raises(GantoolError, match=told):
        open_images(tmp_path / "set.h5")
    with pytest.raises(GantoolError, match=told):
        refine("run", input=tmp_path / "set.h5", output=tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def test_overwriting_over_a_folder_is_one_line(trained, added, tmp_path: Path):
    trained(added(0), 1)
    (tmp_path / "out/a.png").mkdir(parents=True)
    with pytest.raises(GantoolError, match=r"out/a\.png is a folder where a file would be written: remove it"):
        refine("run", input=one(tmp_path), output=tmp_path / "out", overwrite=True)


@pytest.mark.parametrize("name", ["labels.json", "data.yaml", "a.xml", "a.json", "a.txt", "table.csv", "table.parquet"])
def test_a_label_file_that_leads_nowhere(name: str, trained, added, tmp_path: Path, capsys):
    folder = one(tmp_path)
    (folder / name).symlink_to(tmp_path / "nowhere")
    found = survey(open_images(folder))
    assert (found.images, found.annotated.problems) == (1, (f"{name}: cannot be read",))
    trained(added(0), 1)
    report = refine("run", input=folder, output=tmp_path / "out")
    assert (report.refined, [failed.name for failed in report.failed]) == (1, [name])
    assert run(["data", "inspect", str(folder)]) == 0
    assert f"{name}: cannot be read" in capsys.readouterr().out
