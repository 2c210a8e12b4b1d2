#!/usr/bin/env bash
# HDF5 refuses to write a file that the very same process holds a flock on.
#
# One would expect that a lock which a process itself took on a file is in nobody's way but that of others: that is how POSIX record locks
# work, and how HDF5's own second handle in one process does. But HDF5 locks what it opens by flock, which belongs to a description of an
# open file and not to a process: h5py 3.16.0 (HDF5 2.0.0) ends in "unable to lock file", errno 11, where the program made the file first,
# exclusively, and keeps a flock on it; with a record lock (lockf), or without any, the same call works.
# Why it matters here: a temporary file cannot carry a lock on itself as the sign that somebody is writing it, since one of the writers is
# HDF5. The sign has to be somewhere else, such as in its name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check h5py==3.16.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import fcntl
import os

import h5py

print("h5py", h5py.__version__, "HDF5", h5py.version.hdf5_version)


def outcome(lock):
    name = f"{lock}.h5"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    if lock == "flock":
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    if lock == "lockf":
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
    try:
        h5py.File(name, "w").close()
    except OSError as error:
        return str(error)
    finally:
        os.close(descriptor)
    return "written"


found = {lock: outcome(lock) for lock in ("none", "lockf", "flock")}
for lock, what in found.items():
    print(f"{lock} -> {what}")
assert found["none"] == found["lockf"] == "written"
assert "unable to lock file" in found["flock"]
PYTHON
