"""Annotation files in figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..annotations.finding import Folder
from ..formats.folder import FolderImages
from ..images import Images

_CLASSES = 20
_SHOWN = 20


@dataclass(frozen=True)
class AnnotationSummary:
    """The annotation files of one kind."""

    format: str
    files: int
    images: int
    """That are annotated."""
    objects: int
    """Boxes, masks, rows, or files."""
    classes: Mapping[str, int]
    """The 20 commonest."""


@dataclass(frozen=True)
class Annotated:
    """All annotation files of a set."""

    summaries: tuple[AnnotationSummary, ...] = ()
    problem_count: int = 0
    problems: tuple[str, ...] = ()
    """The first 20."""


def summarise_annotations(images: Images) -> Annotated:
    """Count and check annotation files, all of them. Only folders have any, and images that know `problems` of their labels."""
    if not isinstance(images, FolderImages):
        problems = [str(problem) for problem in getattr(images, "problems", tuple)()]
        return Annotated((), len(problems), tuple(problems[:_SHOWN]))
    folder = Folder(images.root, images.listing)
    summaries = []
    for found in folder.annotations:
        tally = found.tally()
        classes = dict(tally.classes.most_common(_CLASSES))
        summaries.append(AnnotationSummary(found.format, len(found.files), len(tally.images), tally.objects, classes))
    problems = [str(problem) for problem in folder.problems()]
    return Annotated(tuple(summaries), len(problems), tuple(problems[:_SHOWN]))
