from __future__ import annotations

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")

FAULTS = """
import resource
from gantool.compute.memory import kept_memory

def faults():
    # 64 MiB, written to: above every threshold of glibc's own. As torch, python has malloc for it.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    b"1" * 2**26
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(faults())
with kept_memory():
    # The first blocks may end up with something small between them that the next one does not fit beside.
    print(min(faults() for _ in range(6)))
print(faults())
"""
PAGES = 2**26 // 4096


def pages(monkeypatch, **variables):
    """Pages that a freed and allocated block faults in: before, within and after the context, in a process of its own."""
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.split()]


def test_freed_memory_is_kept_while_the_context_lasts_and_no_longer(monkeypatch):
    # In a few processes (3 of 20 seen) glibc gives the blocks back all the same, whatever it is told; four in a row are a fault.
    for _ in range(4):
        before, within, after = pages(monkeypatch)
        assert before >= PAGES
        assert after >= PAGES
        if within < PAGES / 100:
            return
    pytest.fail(f"{within} of {PAGES} pages were faulted in anew")


def test_what_the_environment_says_stands(monkeypatch):
    assert min(pages(monkeypatch, MALLOC_TRIM_THRESHOLD_="131072")) >= PAGES
