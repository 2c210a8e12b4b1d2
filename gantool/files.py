"""Files that appear whole or not at all, and outputs that one process writes at a time. No torch.

Temporary names cannot be foreseen and are made exclusively, so that no link is followed that somebody put there before.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import GantoolError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

TEMPORARY = ".gantool-tmp"
LOCK = ".gantool-lock"
_ABANDONED_SECONDS = 86_400.0
_held: set[int] = set()
"""Descriptors of locks, which a forked process would go on holding for one that died."""


def _let_go() -> None:
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def hidden(path: Path, end: str = TEMPORARY) -> Path:
    """Return a hidden name beside `path` that nobody can foresee; it says who has it, and is short however long `path` is."""
    return path.with_name(f".{_digest(path.name)}.{_host()}-{os.getpid()}-{secrets.token_hex(8)}{end}")


@contextmanager
def replacing(path: Path, *, end: str = TEMPORARY, flush: bool = False) -> Iterator[Path]:
    """Yield a temporary file beside `path`, which takes the place of `path` in one step where nothing is raised. Raises OSError.

    `end`: of the temporary name. `flush`: to the disk, which for a small image would cost more than refining it.
    """
    temporary = hidden(path, end)
    # The system settles its rights, as of any new file; libraries may put another file with others in its place.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        rights = os.fstat(descriptor).st_mode & 0o777
        yield temporary
        if temporary.stat().st_mode & 0o777 != rights:
            temporary.chmod(rights)
        if flush:
            fsync(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    if flush:
        fsync(path.parent)


def remove_leftovers_of(targets: Iterable[Path]) -> None:
    """Remove what writers of these files that were killed left, and of no others: another job may write beside, or the same."""
    ours: dict[Path, set[str]] = {}
    for target in targets:
        ours.setdefault(target.parent, set()).add(_digest(target.name))
    for folder, digests in ours.items():
        for path in folder.glob(f".*{TEMPORARY}"):
            of, owner = path.name.split(".")[1:3]
            if of in digests and not _works(owner, path):
                remove(path)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def lock_for(path: Path) -> Path:
    """Return the lock beside a file that is to be written."""
    return path.with_name(f".{_digest(path.name)}{LOCK}")


@contextmanager
def owned(lock: Path, what: object) -> Iterator[None]:
    """Be the one process that writes `what`. The system frees the lock of a process that died, so a stale one is taken over.

    Folders of `lock` are made, and the last one removed where it stays empty. Raises `GantoolError` where another process has
    it, and where it cannot be made.
    """
    made, own = not lock.parent.exists(), os.getpid()
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _take(lock, what)
    except OSError as error:
        raise GantoolError(f"{lock.parent} cannot be written to ({error.strerror}): choose another place") from None
    _held.add(descriptor)
    try:
        yield
    finally:
        if own == os.getpid():
            lock.unlink(missing_ok=True)
            _held.discard(descriptor)
            os.close(descriptor)
            with suppress(OSError):
                if made:
                    lock.parent.rmdir()


def _take(lock: Path, what: object) -> int:
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        free = _lock(descriptor)
        # Who had it before may have removed it in between.
        if free and lock.exists() and lock.stat().st_ino == os.fstat(descriptor).st_ino:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
            return descriptor
        owner = " ".join(os.read(descriptor, 200).decode(errors="replace").split()) or "another process"
        os.close(descriptor)
        if not free:
            raise GantoolError(f"{what} is being written by {owner}: wait for it, or end it")


def _lock(descriptor: int) -> bool:
    """Whether nobody else has locked it; true where the system or the file system knows no locks."""
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _works(owner: str, path: Path) -> bool:
    """Whether who has a temporary name still works; of another host, whether that is likely."""
    host, pid, _ = owner.split("-")
    if host != _host() or os.name != "posix":
        with suppress(OSError):
            return time.time() - path.stat().st_mtime < _ABANDONED_SECONDS
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def fsync(path: Path) -> None:
    """Flush a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _host() -> str:
    return _digest(socket.gethostname())[:8]


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:16]
