"""Small valid files of every kind, made by the libraries that people make theirs with."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

SIDE = (40, 48)
RANGE = (-1100.0, 1000.0)
"""Value range of the network that tests refine with."""
REFINED = -50 + 1050 * math.tanh(0.2)
"""What it makes of every value in that range."""


def sky(seed: int, *, streak: bool = False, size: tuple[int, int] = SIDE) -> np.ndarray:
    """A CCD frame in counts: a background of 100 with noise, stars, dead pixels that are NaN, and a satellite's streak."""
    rng = np.random.default_rng(seed)
    frame = rng.normal(100, 5, size)
    rows, cols = np.mgrid[: size[0], : size[1]]
    for _ in range(6):
        y, x, height = rng.uniform(0, size[0]), rng.uniform(0, size[1]), rng.uniform(50, 900)
        frame += height * np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / 3)
    if streak:
        frame += 300 * (np.abs(rows - 0.6 * cols - 4) < 1)
    frame -= 120  # bias subtracted: values below 0
    frame[3, 5] = frame[20:22, 30] = np.nan
    return frame.astype(np.float32)


def ids(seed: int, size: tuple[int, int] = SIDE) -> np.ndarray:
    """A mask with the classes 0, 1, 7 and 70000."""
    mask = np.zeros(size, np.int32)
    mask[5 : 12 + seed, 4:20], mask[20:30, 8:30], mask[32:38, 20:44] = 1, 7, 70000
    return mask


def volume(seed: int, shape: tuple[int, int, int] = (48, 40, 6)) -> np.ndarray:
    """A scan in (x, y, z): -1000 outside, about 0 to 300 inside."""
    rng = np.random.default_rng(seed)
    x, y, z = (np.linspace(-1, 1, count)[at] for count, at in zip(shape, np.ogrid[tuple(map(slice, shape))], strict=True))
    inside = x**2 / 0.6 + y**2 / 0.8 + 0.2 * z**2 < 0.7
    return np.where(inside, 150 * (1 + x) + rng.normal(0, 20, shape), -1000)


def write_fits(path: Path, data: np.ndarray, *, extensions: bool = False, checksum: bool = False, **cards: Any) -> np.ndarray:
    """A primary image with its cards, and maybe an error map, a mask and a catalogue behind it."""
    from astropy.io import fits

    primary = fits.PrimaryHDU(data)
    primary.header.update({"BUNIT": "adu", "EXPTIME": 30.0, "OBJECT": "sky"} | cards)
    hdus = [primary]
    if extensions:
        hdus.append(fits.ImageHDU(np.ones(data.shape, np.float32), name="ERR"))
        hdus.append(fits.ImageHDU(ids(0, data.shape), name="DQ"))
        hdus.append(fits.BinTableHDU.from_columns([fits.Column("flux", "E", array=np.arange(4.0))], name="CAT"))
    fits.HDUList(hdus).writeto(path, checksum=checksum)
    return data


def write_nifti(path: Path, data: np.ndarray, *, affine: np.ndarray | None = None, dtype: Any = None) -> None:
    """A volume; `dtype` of the file, which nibabel scales floats into."""
    import nibabel

    image = nibabel.Nifti1Image(data, np.diag([0.8, 0.8, 3.0, 1.0]) if affine is None else affine)
    if dtype is not None:
        image.set_data_dtype(dtype)
    image.header["descrip"] = b"a scan"
    image.to_filename(path)


def write_dicom(
    path: Path, stored: np.ndarray, *, bits: int = 16, photometric: str = "MONOCHROME2", frames: int = 0, **tags: Any
) -> None:
    """An image of a series; `stored` of the type of its pixels."""
    import pydicom
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid(entropy_srcs=[path.name])
    dataset.PatientName, dataset.Modality, dataset.StudyDescription = "Nobody", "CT", "phantom"
    colour = stored.ndim == 3 and not frames
    dataset.Rows, dataset.Columns = stored.shape[-3:-1] if colour else stored.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3 if colour else 1, photometric
    if colour:
        dataset.PlanarConfiguration = 0
    if frames:
        dataset.NumberOfFrames = frames
    dataset.BitsAllocated = 8 * stored.itemsize
    dataset.BitsStored, dataset.HighBit = min(bits, 8 * stored.itemsize), min(bits, 8 * stored.itemsize) - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.PixelData = stored.tobytes()
    for name, value in tags.items():
        setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)


def write_tiff(path: Path, pages: np.ndarray, **words: Any) -> None:
    """A page per first index."""
    import tifffile

    with tifffile.TiffWriter(
        path, **{name: words.pop(name) for name in ("bigtiff", "byteorder", "ome") if name in words}
    ) as file:
        file.write(pages, **{"photometric": "minisblack", "description": "a stack"} | words)
