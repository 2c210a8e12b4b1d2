"""Saved Hugging Face data sets in, the same out."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantool.data.formats.base import Target
from gantool.data.formats.hub import HubContainer
from gantool.data.opening import kind_of, open_images
from gantool.errors import GantoolError
from gantool.refining.containers import record_path
from gantool.refining.refine import refine

datasets = pytest.importorskip("datasets")


def png(value: int, size: tuple[int, int] = (8, 12)) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full(size, value, np.uint8)).save(file, format="PNG")
    return file.getvalue()


def make(count: int, first: int = 0) -> Any:
    rows = {
        "photo": [{"bytes": png(first + n), "path": f"ü {n}.png"} for n in range(count)],
        "label": [n % 2 for n in range(count)],
        "gaze": [[n / 4, 1.0] for n in range(count)],
        "boxes": [[n] * (n % 3) for n in range(count)],
        "word": [None if n == 1 else f"é{n}" for n in range(count)],
    }
    features = datasets.Features(
        photo=datasets.Image(),
        label=datasets.ClassLabel(names=["left", "right"]),
        gaze=datasets.Sequence(datasets.Value("float32"), length=2),
        boxes=datasets.Sequence(datasets.Value("int64")),
        word=datasets.Value("string"),
    )
    return datasets.Dataset.from_dict(rows, features=features)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Seven rows in three files."""
    datasets.disable_progress_bars()
    make(7).save_to_disk(str(tmp_path / "a set"), num_shards=3)
    (tmp_path / "a set/README.md").write_text("card")
    return tmp_path / "a set"


@pytest.fixture
def network(trained: Callable[..., Any], added: type) -> Any:
    return trained(added(2 * 10 / 255), channels=1)


@pytest.mark.usefixtures("network")
def test_columns_and_features_stay(saved: Path, tmp_path: Path):
    report = refine("run", input=saved, output=tmp_path / "out")
    assert (report.refined, report.copied, report.exit_code) == (7, 3 * 4 + 1, 0)
    before, after = datasets.load_from_disk(str(saved)), datasets.load_from_disk(str(tmp_path / "out"))
    assert after.features == before.features
    assert after.remove_columns("photo").to_dict() == before.remove_columns("photo").to_dict()
    assert [np.asarray(image).max() for image in after["photo"]] == [n + 10 for n in range(7)]
    raw = after.cast_column("photo", datasets.Image(decode=False))
    assert raw[3]["photo"]["path"] == "ü 3.png"
    assert after._fingerprint != before._fingerprint
    assert (tmp_path / "out/README.md").read_text() == "card"
    assert kind_of(str(tmp_path / "out")) == "hub"
    assert open_images(tmp_path / "out")[6].max() == 16
    record = [json.loads(line) for file in sorted((tmp_path / "out").glob("*.arrow")) for line in record_path(file).open()]
    assert len(record) == 7
    assert {line["digest"] for line in record} == {"digest-1"}
    assert not list((tmp_path / "out").glob(".*tmp"))


@pytest.mark.usefixtures("network")
def test_all_splits(tmp_path: Path):
    both = datasets.DatasetDict(train=make(3), test=make(2, first=100))
    both.save_to_disk(str(tmp_path / "in"))
    assert refine("run", input=tmp_path / "in", output=tmp_path / "out").refined == 5
    after = datasets.load_from_disk(str(tmp_path / "out"))
    assert [np.asarray(image).max() for image in after["test"]["photo"]] == [110, 111]
    assert refine("run", input=tmp_path / "in/train", output=tmp_path / "one").refined == 3


@pytest.mark.usefixtures("network")
def test_an_interruption_leaves_no_data_set_and_a_restart_does_what_is_missing(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = HubContainer.rewrite

    def killed(container: HubContainer, target: Target) -> Any:
        if "00002-of" in container.place:
            target.temporary.write_bytes(b"half")
            raise KeyboardInterrupt
        return real(container, target)

    monkeypatch.setattr(HubContainer, "rewrite", killed)
    with pytest.raises(KeyboardInterrupt):
        refine("run", input=saved, output=tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*.arrow"))) == 2
    assert not (tmp_path / "out/state.json").exists()
    monkeypatch.setattr(HubContainer, "rewrite", real)
    report = refine("run", input=saved, output=tmp_path / "out")
    assert (report.refined, report.skipped) == (2, 5)
    assert len(datasets.load_from_disk(str(tmp_path / "out"))) == 7
    with pytest.raises(GantoolError, match="other settings"):
        refine("run", input=saved, output=tmp_path / "out", size="8x8")
    assert refine("run", input=saved, output=tmp_path / "out", overwrite=True).refined == 7


@pytest.mark.usefixtures("network")
def test_images_that_cannot_be_read_leave_an_empty_place(tmp_path: Path):
    found = make(4).cast_column("photo", datasets.Image(decode=False))
    broken = [found[0]["photo"], None, {"bytes": b"", "path": "e.png"}, {"bytes": png(9)[:-20], "path": "t.png"}]
    features = found.features
    rows = {**found.remove_columns("photo").to_dict(), "photo": broken}
    datasets.Dataset.from_dict(rows, features=datasets.Features({**features, "photo": datasets.Image()})).save_to_disk(
        str(tmp_path / "in")
    )
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert (report.refined, report.exit_code) == (1, 1)
    assert [failed.name.rpartition("arrow")[2] for failed in report.failed] == ["[2]", "[3]"]
    after = datasets.load_from_disk(str(tmp_path / "out"))
    assert [image is None for image in after["photo"]] == [False, True, True, True]
    assert after["label"][:] == [0, 1, 0, 1]


@pytest.mark.usefixtures("network")
def test_damage_and_places_are_said(saved: Path, tmp_path: Path):
    with pytest.raises(GantoolError, match="is the input"):
        refine("run", input=saved, output=saved)
    with pytest.raises(GantoolError, match="must be one too"):
        refine("run", input=saved, output=tmp_path / "out.npz")
    data = (saved / "data-00001-of-00003.arrow").read_bytes()
    (saved / "data-00001-of-00003.arrow").write_bytes(data[: len(data) // 2])
    with pytest.raises(GantoolError, match="cannot read") as error:
        refine("run", input=saved, output=tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out/state.json").exists()
