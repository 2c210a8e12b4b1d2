"""Shards in, shards out."""

from __future__ import annotations

import errno
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantool.data.formats.base import Item, Target
from gantool.data.formats.shards import ShardContainer, ShardRewriter
from gantool.errors import GantoolError
from gantool.refining.containers import record_path
from gantool.refining.labels import InvalidAnnotations
from gantool.refining.network import Network
from gantool.refining.refine import refine


def png(value: int, size: tuple[int, int] = (8, 12)) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full(size, value, np.uint8)).save(file, format="PNG")
    return file.getvalue()


def write(path: Path, files: Mapping[str, bytes], **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", **options) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(data), 12345, 0o600
            archive.addfile(info, io.BytesIO(data))


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Two shards with images of two sizes in turn, labels before and behind them, and one image that is a label."""
    long = "ü" * 120
    for part in (0, 1):
        files = {"about.txt": b"\xff\0"}
        for number in range(9):
            size = (8, 12) if number % 3 else (10, 10)
            key = f"{long}/{part}{number} x"
            files |= {f"{key}.json": b'{"n": 1}', f"{key}.png": png(100 + number, size), f"{key}.seg.png": png(7)}
        write(tmp_path / "in" / f"s-{part}.tar", files)
    (tmp_path / "in/classes.txt").write_text("eye")
    return tmp_path / "in"


@pytest.fixture
def network(trained: Callable[..., Any], added: type) -> Any:
    return trained(added(0.2), channels=1)


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_images_are_refined_and_all_else_stays_in_order(batch_size: int, shards: Path, tmp_path: Path):
    report = refine("run", input=shards, output=tmp_path / "out", batch_size=batch_size, validate=False)
    assert (report.refined, report.copied, report.failed) == (18, 2 * 19 + 1, ())
    for name in ("s-0.tar", "s-1.tar"):
        before, after = members(shards / name), members(tmp_path / "out" / name)
        assert list(before) == list(after)
        for member, data in before.items():
            if not member.endswith(" x.png"):
                assert after[member] == data, member
            else:
                a, b = (np.asarray(Image.open(io.BytesIO(x))).astype(int) for x in (data, after[member]))
                assert a.shape == b.shape
                assert (b - a == round(0.1 * 255)).all() or np.abs(b - a - 25.5).max() <= 0.5
    with tarfile.open(tmp_path / "out/s-0.tar") as archive:
        assert {(info.mtime, info.mode) for info in archive} == {(12345, 0o600)}
    assert (tmp_path / "out/classes.txt").read_text() == "eye"


@pytest.mark.usefixtures("network")
def test_each_shard_has_a_record(shards: Path, tmp_path: Path):
    refine("run", input=shards / "s-{0..1}.tar", output=tmp_path / "out")
    lines = [json.loads(line) for line in record_path(tmp_path / "out/s-1.tar").read_text("utf-8").splitlines()]
    assert [line["image"] for line in lines] == [name for name in members(shards / "s-1.tar") if name.endswith(" x.png")]
    assert {line["digest"] for line in lines} == {"digest-1"}


@pytest.mark.usefixtures("network")
def test_damaged_images_are_left_out_and_listed_but_their_labels_stay(shards: Path, tmp_path: Path):
    whole = png(3)
    write(
        shards / "s-0.tar",
        {"a.png": b"", "a.txt": b"1", "b.png": whole[:-30], "b.txt": b"2", "c.png": whole, "rgb.jpg": b"\xff\xd8"},
    )
    report = refine("run", input=shards / "s-0.tar", output=tmp_path / "out/new.tar")
    assert list(members(tmp_path / "out/new.tar")) == ["a.txt", "b.txt", "c.png"]
    assert [failed.name.rpartition("/")[2] for failed in report.failed] == ["a.png", "b.png", "rgb.jpg"]
    assert report.exit_code == 1


@pytest.mark.usefixtures("network")
def test_a_restart_does_only_what_is_missing(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = ShardContainer.rewrite

    def killed(container: ShardContainer, target: Target) -> Any:
        if container.place.endswith("s-1.tar"):
            target.temporary.write_bytes(b"half")
            raise KeyboardInterrupt
        return real(container, target)

    monkeypatch.setattr(ShardContainer, "rewrite", killed)
    with pytest.raises(KeyboardInterrupt):
        refine("run", input=shards, output=tmp_path / "out")
    monkeypatch.setattr(ShardContainer, "rewrite", real)
    first = (tmp_path / "out/s-0.tar").stat()
    assert not (tmp_path / "out/s-1.tar").exists()
    report = refine("run", input=shards, output=tmp_path / "out")
    assert (report.refined, report.skipped, report.copied) == (9, 9, 19)
    assert (tmp_path / "out/s-0.tar").stat() == first
    assert len(members(tmp_path / "out/s-1.tar")) == 28
    with pytest.raises(GantoolError, match="other settings"):
        refine("run", input=shards, output=tmp_path / "out", size="8x8")
    assert refine("run", input=shards, output=tmp_path / "out", overwrite=True).refined == 18


def test_a_network_that_fails_leaves_no_shard(shards: Path, tmp_path: Path, trained, added):
    trained(added(float("nan")), channels=1)
    with pytest.raises(GantoolError, match="not finite"):
        refine("run", input=shards, output=tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.tar"))
    assert not list((tmp_path / "out").glob(".*tmp*"))


@pytest.mark.usefixtures("network")
def test_a_full_disk_is_not_taken_for_a_damaged_shard(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(GantoolError, match=r"the disk is full at .*s-0.tar"):
        refine("run", input=shards, output=tmp_path / "out")


@pytest.mark.usefixtures("network")
def test_memory_holds_a_few_batches_of_a_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(
        tmp_path / "in/a.tar", {f"{n:04}.{s}": png(n % 256) if s == "png" else b"1" for n in range(400) for s in ("png", "cls")}
    )
    read = written = most = 0
    items, put = ShardRewriter.items, ShardRewriter.put

    def counted(rewriter: ShardRewriter) -> Iterator[Item]:
        nonlocal read, most
        for item in items(rewriter):
            read += 1
            most = max(most, read - written)
            yield item

    def stored(rewriter: ShardRewriter, item: Item, data: bytes | None) -> None:
        nonlocal written
        written += 1
        put(rewriter, item, data)

    monkeypatch.setattr(ShardRewriter, "items", counted)
    monkeypatch.setattr(ShardRewriter, "put", stored)
    assert refine("run", input=tmp_path / "in", output=tmp_path / "out", batch_size=4).refined == 400
    assert 0 < most <= 4 * 8


@pytest.mark.usefixtures("network")
def test_validate_checks_pairs_and_keys(shards: Path, tmp_path: Path):
    write(shards / "s-2.tar", {"alone.json": b"{}"})
    with pytest.raises(InvalidAnnotations, match="sample about has no image"):
        refine("run", input=shards, output=tmp_path / "out", validate=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(
    ("given", "output", "message"),
    [
        ("in", "in", "gantool never writes there"),
        ("in", "out.tar", "is a folder, so --output .* must be one too"),
        ("in/s-{0..1}.tar", "out.tar", "2 files, so --output .* must be a folder"),
        ("in/s-0.tar", "in", "gantool never writes there"),
        ("in/s-0.tar", "in/s-0.tar", "gantool never writes there"),
        ("in/{s-0,sub/s-0}.tar", "out", "two files have the same name"),
        ("gone.tar", "out", "gone.tar does not exist"),
        ("none/a.tar", "out", "no images in"),
    ],
)
def test_places_that_cannot_be(given: str, output: str, message: str, shards: Path, tmp_path: Path):
    write(shards / "sub/s-0.tar", {"a.png": png(1)})
    write(tmp_path / "none/a.tar", {"a.b.png": png(1)})
    before = {path: path.read_bytes() for path in shards.rglob("*.tar")}
    with pytest.raises(GantoolError, match=message):
        refine("run", input=tmp_path / given, output=tmp_path / output)
    assert {path: path.read_bytes() for path in shards.rglob("*.tar")} == before


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(("given", "output"), [("in/s-0.tar", "out.tar"), ("in", ".")])
def test_into_the_folder_that_the_program_runs_in(given: str, output: str, shards: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(shards.parent)
    report = refine("run", input=given, output=output)
    assert report.refined == len(list(Path().glob("*.tar"))) * 9
    assert not list(Path().glob("*.gantool-tmp"))


@pytest.mark.usefixtures("network")
def test_a_file_beside_its_input_is_told_where_it_could_go(shards: Path):
    with pytest.raises(GantoolError, match=r"name another folder, or a file in one: .*in.refined.new\.tar$"):
        refine("run", input=shards / "s-0.tar", output=shards / "new.tar")


@pytest.mark.usefixtures("network")
def test_the_backend_is_told_how_much_work_there_is(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told: list[int] = []
    monkeypatch.setattr(Network, "expect", lambda _, pixels: told.append(pixels))
    refine("run", input=shards, output=tmp_path / "out")
    assert told == [18 * 10 * 10], "judged by the first image"
    (tmp_path / "out/s-1.tar").unlink()
    refine("run", input=shards, output=tmp_path / "out")
    assert told[1:] == [9 * 10 * 10], "what is there is no work"
