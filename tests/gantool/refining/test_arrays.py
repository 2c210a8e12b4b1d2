"""`.npz` and `.h5` files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gantool.errors import GantoolError
from gantool.refining.refine import refine


@pytest.mark.parametrize("shape", [(5, 9, 7), (5, 9, 7, 1), (5, 9, 7, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32, np.float64])
def test_npz_keeps_everything_but_the_images(trained, added, pixels, load, tmp_path: Path, shape: tuple[int, ...], dtype: type):
    images = pixels(shape, np.uint8).astype(dtype) if dtype is np.int64 else pixels(shape, dtype)
    labels = {"gaze": pixels((5, 2), np.float16), "big": np.arange(5, dtype=">i4"), "note": np.array("Ü")}
    np.savez_compressed(tmp_path / "in.npz", gaze=labels["gaze"], image=images, big=labels["big"], note=labels["note"])
    trained(added(0), 1)
    report = refine("run", input=tmp_path / "in.npz", output=tmp_path / "out.npz", batch_size=2)
    assert (report.refined, report.copied) == (5, 3)
    with np.load(tmp_path / "out.npz") as out:
        assert list(out) == ["gaze", "image", "big", "note"]
        assert (out["image"].dtype, out["image"].shape) == (images.dtype, images.shape)
        assert np.allclose(out["image"], images, atol=1e-6 if np.dtype(dtype).kind == "f" else 0)
        for name, array in labels.items():
            assert out[name].dtype == array.dtype
            assert np.array_equal(out[name], array)


def test_npz_into_a_folder_and_again(trained, added, load, tmp_path: Path):
    np.savez(tmp_path / "set.npz", images=np.full((3, 5, 6), 100, np.uint8))
    trained(added(2 * 10 / 255), 1)
    report = refine("run", input=tmp_path / "set.npz", output=tmp_path / "out")
    assert report.output == tmp_path / "out/set.npz"
    with np.load(report.output) as out:
        assert (out["images"] == 110).all()
    assert refine("run", input=tmp_path / "set.npz", output=tmp_path / "out").skipped == 3
    trained(added(0), 1, digest="digest-2")
    with pytest.raises(GantoolError, match="with other weights"):
        refine("run", input=tmp_path / "set.npz", output=tmp_path / "out")


def test_npz_at_another_size(trained, added, pixels, load, tmp_path: Path):
    np.savez(tmp_path / "set.npz", images=pixels((3, 10, 12, 3)), points=np.zeros((3, 4, 2)))
    trained(added(0), 3)
    report = refine("run", input=tmp_path / "set.npz", output=tmp_path / "out.npz", size=(5, 6))
    with np.load(tmp_path / "out.npz") as out:
        assert out["images"].shape == (3, 5, 6, 3)
    assert "no longer fit" in report.notices[0]


def test_an_image_of_an_array_that_cannot_be_refined_stops_it(trained, added, tmp_path: Path):
    images = np.full((3, 5, 6), 0.5)
    images[1] = 7
    np.savez(tmp_path / "set.npz", images=images)
    trained(added(0), 1)
    with pytest.raises(GantoolError, match=r"set\.npz\[1\] has values from 7 to 7"):
        refine("run", input=tmp_path / "set.npz", output=tmp_path / "out.npz")
    assert [path.name for path in sorted(tmp_path.iterdir())] == [".out.npz.gantool-refine.json", "set.npz"]


class TestHdf5:
    h5py = pytest.importorskip("h5py")

    def test_an_array_and_all_around_it(self, trained, added, pixels, tmp_path: Path):
        h5py, images = self.h5py, pixels((5, 9, 7, 3), np.uint16)
        with h5py.File(tmp_path / "in.h5", "w") as file:
            file.attrs["title"] = "scenes"
            made = file.create_dataset(
                "train/images", data=images, chunks=(2, 9, 7, 3), compression="gzip", maxshape=(None, 9, 7, 3)
            )
            made.attrs["unit"] = np.float32(2.5)
            gaze = file.create_dataset("train/gaze", data=np.arange(10, dtype=">f4").reshape(5, 2), compression="lzf")
            gaze.attrs["frame"] = "camera"
            file["train/names"] = ["a", "b", "c", "d", "é"]
            file["alias"] = h5py.SoftLink("/train/images")
            file.create_group("empty").attrs["x"] = [1, 2]
        trained(added(0), 3)
        report = refine("run", input=tmp_path / "in.h5", output=tmp_path / "out.hdf5", batch_size=2)
        assert (report.refined, report.copied) == (5, 2)
        with h5py.File(tmp_path / "out.hdf5") as out, h5py.File(tmp_path / "in.h5") as before:
            assert np.array_equal(out["train/images"], images)
            assert np.array_equal(out["alias"], images)
            assert out["train/images"].compression == "gzip"
            assert out["train/images"].chunks == (2, 9, 7, 3)
            assert out["train/images"].maxshape == (None, 9, 7, 3)
            assert out["train/images"].attrs["unit"] == 2.5
            assert out["train/images"].attrs["unit"].dtype == np.float32
            assert out.attrs["title"] == "scenes"
            assert out["empty"].attrs["x"].tolist() == [1, 2]
            assert out["train/gaze"].dtype == before["train/gaze"].dtype
            assert out["train/gaze"].compression == "lzf"
            assert out["train/gaze"].attrs["frame"] == "camera"
            assert np.array_equal(out["train/gaze"], before["train/gaze"])
            assert out["train/names"].asstr()[4] == "é"

    def test_a_data_set_per_image(self, trained, added, tmp_path: Path):
        with self.h5py.File(tmp_path / "in.h5", "w") as file:
            for number in range(5):
                file[f"images/{number}"] = np.full((10 + number % 2, 12, 3), 10 * number, np.uint8)
            file["gaze"] = np.zeros((5, 2))
        trained(added(2 * 5 / 255), 3)
        refine("run", input=tmp_path / "in.h5", output=tmp_path / "out.h5")
        with self.h5py.File(tmp_path / "out.h5") as out:
            assert [out[f"images/{number}"][0, 0, 0] for number in range(5)] == [5, 15, 25, 35, 45]
            assert out["images/1"].shape == (11, 12, 3)

    def test_another_size(self, trained, added, pixels, tmp_path: Path):
        with self.h5py.File(tmp_path / "in.h5", "w") as file:
            file.create_dataset("images", data=pixels((5, 9, 7)), chunks=(2, 9, 7), compression="gzip")
        trained(added(0), 1)
        refine("run", input=tmp_path / "in.h5", output=tmp_path / "out.h5", size=(20, 30))
        with self.h5py.File(tmp_path / "out.h5") as out:
            assert out["images"].shape == (5, 20, 30)
            assert out["images"].compression == "gzip"

    @pytest.mark.parametrize("way", ["external storage", "virtual"])
    def test_a_file_that_leads_elsewhere_copies_nothing_from_there(self, trained, added, tmp_path: Path, way: str):
        h5py = self.h5py
        (tmp_path / "private").mkdir()
        (tmp_path / "private" / "keys").write_bytes(b"secret" * 20)
        with h5py.File(tmp_path / "private" / "store.h5", "w") as file:
            file["data"] = np.zeros((2, 6, 9), np.uint8)
        with h5py.File(tmp_path / "in.h5", "w") as file:
            if way == "virtual":
                layout = h5py.VirtualLayout(shape=(2, 6, 9), dtype=np.uint8)
                layout[:] = h5py.VirtualSource("private/store.h5", "data", shape=(2, 6, 9))
                file.create_virtual_dataset("images", layout)
            else:
                external = [(str(tmp_path / "private" / "keys"), 0, 108)]
                file.create_dataset("images", (2, 6, 9), np.uint8, external=external)
        trained(added(0), 1)
        with pytest.raises(
            GantoolError, match="images is a link into another file, .*private/.*, which gantool does not follow"
        ) as told:
            refine("run", input=tmp_path / "in.h5", output=tmp_path / "out.h5")
        assert "\n" not in str(told.value)
        assert not (tmp_path / "out.h5").exists()

    def test_a_view_of_another_file_is_not_written_through(self, trained, added, tmp_path: Path):
        h5py, images = self.h5py, np.full((3, 9, 7), 100, np.uint8)
        with h5py.File(tmp_path / "store.h5", "w") as file:
            file["data"] = images
        layout = h5py.VirtualLayout(shape=images.shape, dtype=images.dtype)
        layout[:] = h5py.VirtualSource(tmp_path / "store.h5", "data", shape=images.shape)
        with h5py.File(tmp_path / "in.h5", "w") as file:
            file.create_virtual_dataset("images", layout)
        before = (tmp_path / "store.h5").read_bytes()
        trained(added(2 * 10 / 255), 1)
        refine("run", input=tmp_path / "in.h5", output=tmp_path / "out.h5")
        assert (tmp_path / "store.h5").read_bytes() == before
        with h5py.File(tmp_path / "out.h5") as out:
            assert (out["images"][()] == 110).all()
