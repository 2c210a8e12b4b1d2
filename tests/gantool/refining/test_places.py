"""Where refined images may go."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from gantool.errors import GantoolError
from gantool.files import LOCK, lock_for, owned
from gantool.refining.refine import refine


def test_two_networks_do_not_mix_in_one_folder(trained, added, folder: Path, tmp_path: Path):
    trained(added(0))
    refine("run", input=folder, output=tmp_path / "out")
    with pytest.raises(
        GantoolError, match=r"written by run run-1 with other settings: choose another --output, or pass --overwrite"
    ):
        refine("run", input=folder, output=tmp_path / "out", size="10x10")
    trained(added(0.3), digest="digest-2", name="run-2")
    with pytest.raises(GantoolError, match="written by run run-1 with other weights"):
        refine("run", input=folder, output=tmp_path / "out")
    report = refine("run", input=folder, output=tmp_path / "out", overwrite=True)
    assert (report.refined, report.skipped) == (2, 0)
    assert json.loads((tmp_path / "out/.gantool-refine.json").read_text())["digest"] == "digest-2"
    assert refine("run", input=folder, output=tmp_path / "out").skipped == 2


def test_an_overwriting_call_that_is_interrupted_leaves_nothing_of_the_old_network(trained, added, folder: Path, tmp_path: Path):
    class Stop(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise KeyboardInterrupt

    trained(added(0))
    refine("run", input=folder, output=tmp_path / "out")
    trained(Stop(), digest="digest-2")
    with pytest.raises(KeyboardInterrupt):
        refine("run", input=folder, output=tmp_path / "out", overwrite=True)
    trained(added(0.3), digest="digest-2")
    assert refine("run", input=folder, output=tmp_path / "out").refined == 2


def test_files_that_gantool_did_not_write_are_not_taken_for_done(
    trained, added, pixels, save, files, folder: Path, tmp_path: Path
):
    trained(added(0))
    save(tmp_path / "out/a.png", pixels((4, 5)))
    before = files(tmp_path / "out")
    with pytest.raises(GantoolError, match=r"out/a\.png exists, and gantool did not write it"):
        refine("run", input=folder, output=tmp_path / "out")
    assert files(tmp_path / "out") == before


def test_a_damaged_marker_is_named(trained, added, folder: Path, tmp_path: Path):
    trained(added(0))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.gantool-refine.json").write_text("{")
    with pytest.raises(GantoolError, match=r"\.gantool-refine\.json is damaged"):
        refine("run", input=folder, output=tmp_path / "out")


@pytest.mark.parametrize("output", ["input", "input/out", ".", "link", "link/out", "input/../input"])
def test_it_never_writes_into_its_input(trained, added, files, folder: Path, tmp_path: Path, output: str):
    trained(added(0))
    (tmp_path / "link").symlink_to(folder)
    before = files(tmp_path)
    with pytest.raises(GantoolError, match="never writes into its input"):
        refine("run", input=folder, output=tmp_path / output, overwrite=True)
    assert files(tmp_path) == before


def test_a_link_inside_the_output_that_leads_back_is_found(trained, added, files, folder: Path, tmp_path: Path):
    trained(added(0))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/sub dir").symlink_to(folder / "sub dir")
    before = files(folder)
    with pytest.raises(GantoolError, match="never writes there"):
        refine("run", input=folder, output=tmp_path / "out", overwrite=True)
    assert files(folder) == before


def test_an_output_that_is_a_link_to_itself(trained, added, folder: Path, tmp_path: Path):
    trained(added(0))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(GantoolError, match="loop.*: choose another place"):
        refine("run", input=folder, output=tmp_path / "loop")


def test_an_output_has_one_owner(trained, added, files, folder: Path, tmp_path: Path):
    trained(added(0))
    np.savez(tmp_path / "a.npz", image=np.zeros((2, 8, 8, 1), np.uint8))
    for source, lock in ((folder, tmp_path / "out" / LOCK), (tmp_path / "a.npz", lock_for(tmp_path / "b.npz"))):
        output = tmp_path / "out" if source == folder else tmp_path / "b.npz"
        with owned(lock, output):
            before = files(tmp_path)
            with pytest.raises(GantoolError, match=rf"^{output} is being written by process {os.getpid()} on \S+: wait for it"):
                refine("run", input=source, output=output)
            assert files(tmp_path) == before
        assert refine("run", input=source, output=output).refined == 2
    assert not list(tmp_path.rglob(f"*{LOCK}"))


def test_a_link_in_place_of_an_output_is_replaced_not_followed(trained, added, files, folder: Path, tmp_path: Path):
    trained(added(0.3))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.png").symlink_to(folder / "a.png")
    before = files(folder)
    refine("run", input=folder, output=tmp_path / "out", overwrite=True)
    assert files(folder) == before
    assert not (tmp_path / "out/a.png").is_symlink()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input": "gone"}, "--input .*gone does not exist"),
        ({"input": "empty"}, r"no images in .*empty: read are \.png"),
        ({"input": "input", "output": "x.npz"}, "--input .* is a folder, so --output"),
        ({"input": "set.npz", "output": "x.h5"}, "must be of the same kind"),
        ({"input": "set.npz", "output": "set.npz"}, "is the input"),
        ({"input": "set.npz", "copy": ["*"]}, "--copy is for folders"),
        ({"batch_size": 0}, "--batch-size: input should be greater than or equal to 1, got 0"),
        ({"threads": 0}, "--threads: input should be greater than or equal to 1, got 0"),
        ({"size": "big"}, "--size"),
        ({"size": "run"}, "--size run: run-1 was trained on patches, or does not say at which size; give --size HxW"),
        ({"device": "toaster"}, "--device 'toaster' is no device"),
        ({"device": "cuda:99"}, "--device cuda:99 is not available here"),
    ],
)
def test_bad_arguments_are_one_line(
    trained, added, pixels, folder: Path, tmp_path: Path, arguments: dict[str, object], message: str
):
    trained(added(0))
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "set.npz", images=pixels((2, 5, 6)))
    given = {"input": "input", "output": "out", **arguments}
    for name in ("input", "output"):
        given[name] = tmp_path / given[name]
    with pytest.raises(GantoolError, match=message) as error:
        refine("run", **given)
    assert "\n" not in str(error.value)
