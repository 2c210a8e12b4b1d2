#!/usr/bin/env bash
# CPU autocast of torch breaks `index_copy` of float16.
#
# One would expect that autocast on a CPU, whose list of operations is short, leaves an indexing operation alone. With torch 2.13.0
# `index_copy` is one of those that bring all arguments to one dtype, and float16 is an error there ("Unexpected floating ScalarType"),
# while the same call without autocast, or with bfloat16 or float32 inside of it, works.
# Why it matters here: a transform that computes some rows of a batch and puts them back has to leave autocast for that one call.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("torch", torch.__version__)


def outcome(call):
    try:
        return str(call())
    except RuntimeError as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


rows, seen = torch.tensor([0]), {}
for dtype in (torch.float16, torch.bfloat16, torch.float32):
    images = torch.zeros(2, 3, dtype=dtype)
    for on in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=on):
            seen[dtype, on] = outcome(lambda: images.index_copy(0, rows, images[:1]).dtype)
        print("index_copy of", dtype, "under autocast" if on else "", "->", seen[dtype, on])
assert "Unexpected floating ScalarType" in seen[torch.float16, True]
assert all(what == str(dtype) for (dtype, on), what in seen.items() if (dtype, on) != (torch.float16, True))
PYTHON
