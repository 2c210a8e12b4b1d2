from __future__ import annotations

import logging
import os
import pickle
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

import gantool
from gantool.augment import reference
from gantool.augment.reference import Reference
from gantool.components import Channels
from gantool.data.domains import Preprocess
from gantool.errors import GantoolError
from gantool.model.bundle import Recorded, write_bundle

from .conftest import Saved, write_run

CPU = torch.device("cpu")


def test_every_reference_of_one_content_shares_one_frozen_network(runs: Saved, tmp_path: Path) -> None:
    first = Reference(runs())
    copied = Reference(shutil.copytree(runs(), tmp_path / "copy"))
    network = first.network(CPU)
    assert copied.digest == first.digest
    assert copied.network(CPU) is network
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_other_weights_are_another_network(runs: Saved) -> None:
    assert Reference(runs(seed=1)).network(CPU) is not Reference(runs()).network(CPU)


def test_threads_that_load_at_once_get_one_network(tmp_path: Path) -> None:
    run, barrier = write_run(tmp_path / "run"), threading.Barrier(8)

    def load(_: int) -> torch.nn.Module:
        barrier.wait()
        return Reference(run).network(CPU)

    with ThreadPoolExecutor(8) as pool:
        assert len({id(network) for network in pool.map(load, range(8))}) == 1


def test_a_pickle_holds_a_name_and_a_hash_but_no_weights(runs: Saved) -> None:
    reference = Reference(runs())
    pickled = pickle.dumps(reference)
    weights = (runs() / "refiner.safetensors").stat().st_size
    assert len(pickled) < 400 < weights
    assert pickle.loads(pickled).network(CPU) is reference.network(CPU)


def test_a_changed_file_is_an_error_where_the_old_content_is_asked_for(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    reference = Reference(run)
    pickled = pickle.dumps(reference)
    before = reference.network(CPU)
    write_run(run, seed=1)
    assert reference.network(CPU) is before
    for again in (lambda: pickle.loads(pickled).network(CPU), lambda: Reference(run, reference.digest)):
        with pytest.raises(GantoolError, match=r"has changed since .*gantool\.save"):
            again()
    assert Reference(run).digest != reference.digest


def test_a_file_that_has_not_changed_is_read_once(runs: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    Reference(runs())
    monkeypatch.setattr(reference, "open_bundle", lambda folder: pytest.fail(f"read {folder} again"))
    Reference(runs())


def test_loading_draws_no_random_numbers_and_ignores_the_callers_modes(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", seed=7)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    with torch.inference_mode():
        network = Reference(run).network(CPU)
    assert torch.equal(torch.get_rng_state(), state)
    images = torch.rand(1, 3, 8, 8, requires_grad=True)
    network(images).sum().backward()
    assert images.grad is not None


def test_a_forked_process_does_not_inherit_a_lock_that_another_thread_holds(runs: Saved) -> None:
    Reference(runs())
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with reference._lock:
            held.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        Reference(runs())
        os._exit(0)
    release.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_a_repository_in_the_local_cache_is_found_without_a_network(
    runs: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "hub" / "models--someone--eyes"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text("0123abc")
    shutil.copytree(runs(), cache / "snapshots" / "0123abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("asked the network"))
    reference = Reference("someone/eyes")
    assert (reference.run, reference.digest) == ("someone/eyes", Reference(runs()).digest)
    assert Reference("someone/eyes@0123abc").digest == reference.digest
    with pytest.raises(GantoolError, match=r"-/\.\. is no run folder"):
        Reference("-/..")
    for missing in ("someone/hands", "someone/eyes@v2"):
        with pytest.raises(GantoolError, match=f"{missing} is neither a folder nor in the local Hugging Face cache: hf download"):
            Reference(missing)


@pytest.mark.parametrize(("content", "message"), [("", "is no run folder"), ("{}", "is damaged")])
def test_what_is_no_run_is_named(content: str, message: str, tmp_path: Path) -> None:
    if content:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(GantoolError, match=message):
        Reference(tmp_path)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    module = gantool.build("generator", "simgan:refiner", channels=1, width=2, blocks=0)
    torch.nn.init.constant_(module.head.bias, float("nan"))
    with pytest.raises(GantoolError, match=r"weights head\.bias are not finite"):
        Reference(gantool.save(module, tmp_path / "run"))


def test_what_was_done_to_training_images_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    options = {"width": 2, "blocks": 0}
    module = gantool.build("generator", "simgan:refiner", channels=1, **options)
    prepared = Preprocess(size=(35, 55), equalize=True, channels=1)
    recorded = Recorded(component="simgan:refiner", options=options, channels=Channels(1), preprocess=prepared)
    write_bundle(tmp_path / "run", module.state_dict(), recorded)
    with caplog.at_level(logging.WARNING, logger="gantool"):
        Reference(tmp_path / "run")
        Reference(tmp_path / "run")
    [text] = caplog.messages
    assert text.endswith("trained on images that were resized to 35x55 and equalised: do the same before this transform")
