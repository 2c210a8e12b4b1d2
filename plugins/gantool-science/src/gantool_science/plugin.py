"""What the plugin provides: descriptions only, no library of any format."""

from __future__ import annotations

from collections.abc import Iterable

from gantool import Component, hookimpl
from gantool.components import Format

OPENS = frozenset({"pictures", "refines"})


@hookimpl
def gantool_formats() -> Iterable[Format]:
    """Files that hold pictures of measurements among headers, masks and other arrays."""
    yield Format(
        name="fits",
        factory="gantool_science.fits:Fits",
        suffixes=(".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fts.gz", ".fits.fz"),
        provides=OPENS,
        summary="FITS images and cubes: counts with their unit, NaN and BLANK (astropy)",
    )
    yield Format(
        name="nifti",
        factory="gantool_science.nifti:Nifti",
        suffixes=(".nii", ".nii.gz"),
        provides=OPENS,
        summary="NIfTI volumes, slice by slice (nibabel)",
    )
    yield Format(
        name="dicom",
        factory="gantool_science.dicom:Dicom",
        suffixes=(".dcm", ".dicom", ".ima"),
        provides=OPENS,
        summary="DICOM series and multi-frame files, in Hounsfield or other units (pydicom)",
    )
    yield Format(
        name="tiff",
        factory="gantool_science.tiff:Tiff",
        suffixes=(".tif", ".tiff"),
        provides=OPENS,
        summary="TIFF of several pages, OME-TIFF, floats and signed numbers (tifffile)",
    )
    yield Format(
        name="arrays",
        factory="gantool_science.arrays:Arrays",
        suffixes=(".npy", ".npz"),
        provides=OPENS,
        summary="A .npy or .npz file per sample",
    )


@hookimpl
def gantool_layouts() -> Iterable[Component]:
    """Folders of such files that names alone say nothing of."""
    yield Component(
        name="nnunet", factory="gantool_science.nnunet:LAYOUT", summary="imagesTr/CASE_0000.nii.gz beside labelsTr/CASE.nii.gz"
    )
