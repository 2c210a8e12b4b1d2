from __future__ import annotations

import threading
import time

import pytest

from gantool.data.parallel import apply_to_all, in_spans


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 255, 256, 257, 1000])
@pytest.mark.parametrize("seconds", [0.0, 0.002], ids=["fast", "slow"])
def test_spans_cover_all_once_and_begin_where_chunks_do(count, seconds):
    spans: list[tuple[int, int]] = []

    def work(start, stop):
        spans.append((start, stop))
        time.sleep(seconds * (start == 0) * (stop - start))

    in_spans(work, count)
    assert sorted(row for span in spans for row in range(*span)) == list(range(count))
    assert all(start in (0, 8) or start % 256 == 0 for start, _ in spans)


def test_only_work_that_takes_a_while_goes_to_threads(monkeypatch):
    def threads_of(seconds: float, **options) -> set[int]:
        clock = iter((0.0, 8 * seconds))  # of the trial, which is 8 images: what a real one says depends on who else computes
        monkeypatch.setattr("gantool.data.parallel.time.perf_counter", lambda: next(clock))

        def work(_start, _stop):
            time.sleep(0.005)
            used.add(threading.get_ident())

        used: set[int] = set()
        in_spans(work, 2000, **options)
        return used - {threading.get_ident()}

    assert threads_of(0.001)
    assert not threads_of(0.0001)
    assert not threads_of(0.001, workers=1)


def test_results_come_in_order():
    def slow_at_first(item):
        time.sleep(0.001 * (item < 9))
        return item * 2

    assert apply_to_all(slow_at_first, range(600)) == [2 * item for item in range(600)]


@pytest.mark.parametrize("where", [3, 300, 1500])
@pytest.mark.parametrize("seconds", [0.0, 0.001], ids=["fast", "slow"])
def test_what_work_raises_comes_through(where, seconds):
    def work(item):
        time.sleep(seconds * (item < 8))
        if item == where:
            raise OSError("gone")
        return item

    with pytest.raises(OSError, match="gone"):
        apply_to_all(work, range(2000))
