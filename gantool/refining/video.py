"""Refining video files: frame by frame into a file of the same times, with everything else in it copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from ..data.folder import list_files
from ..data.images import Form
from ..data.locations import is_remote
from ..data.video.pixels import Converter, blank, changed
from ..data.video.places import VideoError, damage, names_video, open_video, relative_path, video_files
from ..data.video.reading import in_time, upright
from ..data.video.timeline import Timeline, read_whole
from ..data.video.writing import VideoWriter
from ..errors import GantoolError
from .folder import MARKER
from .job import Job
from .labels import copy_file
from .notices import size_notices
from .parts import PartReport, refine_part, remove_attempts
from .pipeline import Failed, Pipeline, make_batches, pixels_of
from .places import Marker, writing
from .report import RefineReport
from .treatment import Frame
from .workers.base import Outcome, Piece, total

if TYPE_CHECKING:
    import av


def refine_videos(job: Job) -> RefineReport:
    """Refine a file, or the videos of a folder and its subfolders, of which all other files are copied.

    A video appears when it is whole, and those that are there are skipped. Raises `GantoolError`; in a folder, a video that
    cannot be read stops nothing.
    """
    if job.validate:
        job.watcher.notice("--validate: frames of videos have no annotations that gantool knows, so there is nothing to check")
    alone = names_video(job.place)
    files = video_files(job.place)
    targets = {file: job.output if alone else job.output / relative_path(file, job.place) for file in files}
    marker = job.output.with_name(f".{job.output.name}{MARKER}") if alone else job.output / MARKER
    said = {**job.marker, "codec": job.video.codec, "crf": str(job.video.crf)}
    # What another run, or other settings, did not get to write is no reason to refuse.
    nothing = not any(target.exists() for target in targets.values())
    Marker(marker, said).claim(targets.values(), overwrite=job.overwrite or nothing)
    copied = 0 if alone or is_remote(job.place) else _copy_others(job)
    lines, failed = _read_timelines(files, alone=alone)
    notices = size_notices(job.treatment, _forms(lines), labels=copied)
    for text in notices:
        job.watcher.notice(text)
    left = {file: line for file, line in lines.items() if not targets[file].exists()}
    frames = sum(map(len, lines.values()))
    job.watcher.start(frames, frames - sum(map(len, left.values())))
    job.network.expect(pixels_of(_forms(left), job.treatment))
    remove_attempts(targets[file] for file in left)
    pieces = [Piece(file, partial(_refine_file, line=line, target=targets[file], alone=alone)) for file, line in left.items()]
    outcome = total(job.workers.run(job, pieces, next((line.form for line in left.values()), None)))
    return RefineReport(
        output=job.output,
        refined=outcome.refined,
        skipped=frames - sum(map(len, left.values())),
        copied=copied,
        failed=(*failed, *outcome.failed),
        notices=tuple(notices),
        backend=outcome.backend or job.network.backend,
    )


def _read_timelines(files: Sequence[str], *, alone: bool) -> tuple[Mapping[str, Timeline], list[Failed]]:
    """Return the index of each file that can be refined. Raises `VideoError` for one that is `alone`."""
    lines: dict[str, Timeline] = {}
    failed: list[Failed] = []
    for file in files:
        try:
            lines[file] = read_whole(file)
        except VideoError as error:
            if alone:
                raise
            failed.append(Failed(file, error.cause))
    return lines, failed


def _forms(lines: Mapping[str, Timeline]) -> Iterator[Form]:
    """Yield the form of each frame."""
    return chain.from_iterable(repeat(line.form, len(line)) for line in lines.values())


def _copy_others(job: Job) -> int:
    """Copy files that are no videos and not there yet, and return how many were."""
    files = [file for file in list_files(job.source).others if not names_video(file) and not (job.output / file).exists()]
    for file in files:
        with writing(job.output / file):
            copy_file(job.source / file, job.output / file)
    return len(files)


@dataclass(frozen=True)
class _VideoFrame(Frame):
    """A frame on its way that remembers where it comes from."""

    planes: av.VideoFrame
    """That the change is added to, stored as in the file."""
    before: np.ndarray
    """`planes` as (H, W, C), upright."""


def _refine_file(job: Job, *, line: Timeline, target: Path, alone: bool) -> Outcome:
    """Refine a file; `target` appears when it is whole. Raises `GantoolError`."""
    try:
        refine_part(job, line.place, target, partial(_refine, line=line, target=target))
    except VideoError as error:
        if alone:
            raise
        return Outcome(failed=(Failed(line.place, error.cause),))
    return Outcome(refined=len(line))


def _refine(job: Job, source: str, temporary: Path, *, line: Timeline, target: Path) -> PartReport:
    """Refine a file into `temporary`, which will be called `target`. Raises `GantoolError`, OSError."""
    written, _ = job.treatment.sizes(line.form)
    size = written if line.rotation % 180 == 0 else written[::-1]
    with (
        open_video(source) as (container, stream),
        VideoWriter(
            temporary, target, container, stream, times=line.times, matrix=line.matrix, size=size, options=job.video
        ) as writer,
    ):
        if writer.left_out:
            job.watcher.notice(f"{source}: left out, since players make them anew: {', '.join(writer.left_out)}")
        # Several frames at a time where the codec allows.
        stream.thread_type = "AUTO"
        run = _Run(job, line, size)
        for frame in run.refined(run.decoded(container, stream, writer)):
            writer.write(frame)
            job.watcher.advance()
        writer.finish()
    return PartReport(names=[PurePosixPath(source).name])


class _Run:
    """The frames of one file on their way; those of a few batches are in memory at a time."""

    def __init__(self, job: Job, line: Timeline, size: tuple[int, int]) -> None:
        """`size`: (height, width) to write, as stored."""
        self._job, self._line, self._size = job, line, size
        self._waiting: dict[int, _VideoFrame] = {}

    def decoded(
        self, container: av.container.InputContainer, stream: av.VideoStream, writer: VideoWriter
    ) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield number and frame, checked against the index; packets of other streams are copied on the way."""

        def frames() -> Iterator[av.VideoFrame]:
            packets = iter(container.demux())
            while True:
                with damage(self._line.place):
                    packet = next(packets, None)
                    found = stream.decode(packet) if packet is not None and packet.stream is stream else []
                yield from found
                if packet is None:
                    return
                # The last packets of a file are empty: they make decoders give what they hold back.
                if packet.stream is not stream and packet.size:
                    writer.copy(packet)

        number = -1
        for number, frame in enumerate(in_time(frames(), self._line)):
            late = number >= len(self._line) or frame.pts != self._line.times[number]
            if late or frame.is_corrupt:
                raise self._damaged(number)
            yield number, frame
        if number + 1 < len(self._line):
            raise self._damaged(number + 1)

    def refined(self, frames: Iterator[tuple[int, av.VideoFrame]]) -> Iterator[av.VideoFrame]:
        """Yield the refined frames in order."""
        pipeline: Pipeline[int, _VideoFrame, av.VideoFrame] = Pipeline(
            self._waiting.pop, self._job.network, self._finish, self._job.threads
        )
        for _, frame in pipeline.run(self._batches(frames)):
            assert not isinstance(frame, Failed)  # what fails here raises
            yield frame

    def _batches(self, frames: Iterator[tuple[int, av.VideoFrame]]) -> Iterator[list[int]]:
        forms = dict.fromkeys(range(self._job.batch_size), self._line.form)
        most = len(next(make_batches(forms, self._job.treatment, self._job.batch_size)))
        converter, batch = Converter(), list[int]()
        for number, frame in frames:
            self._waiting[number] = self._split(number, frame, converter)
            batch.append(number)
            if len(batch) == most:
                yield batch
                batch = []
        if batch:
            yield batch

    def _split(self, number: int, frame: av.VideoFrame, converter: Converter) -> _VideoFrame:
        planes = converter.planes(frame)
        before = upright(converter.image(planes), self._line.rotation)
        height, width, channels = before.shape
        form = Form(height, width, channels, str(before.dtype))
        if form != self._line.form:
            raise VideoError(self._line.place, f"frame {number} is {form.size}, the others are {self._line.form.size}")
        split = self._job.treatment.split(before, f"{self._line.place}[{number}]")
        if (planes.height, planes.width) != self._size:
            planes = blank(planes, *self._size)
            before = upright(converter.image(planes), self._line.rotation)
        return _VideoFrame(split.canvas, split.alpha, split.inputs, planes, before)

    def _finish(self, _: int, frame: _VideoFrame, refined: np.ndarray) -> av.VideoFrame:
        after = self._job.treatment.merge(frame, refined)
        turned = -self._line.rotation
        return changed(frame.planes, upright(frame.before, turned), upright(after, turned))

    def _damaged(self, number: int) -> GantoolError:
        return VideoError(self._line.place, f"frame {number} of {len(self._line)} is damaged")
