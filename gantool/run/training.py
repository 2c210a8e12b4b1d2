"""A training run from its first to its last step: draws, logs, samples, checkpoints, stops."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import shorten
from typing import Any

from rich.console import Console

from ..components import Event
from ..errors import GantoolError, Stopped, TrainingFailed
from ..plan import Plan
from ..plugins import Registry
from .bundle import write_bundle
from .checkpoint import Checkpoints, kept_random_state, random_state, set_random_state
from .files import remove_leftovers
from .folder import write_plan, writing
from .interrupt import Interrupt
from .monitor import Monitor
from .progress import TrainingProgress
from .selection import judge
from .session import Session, open_session
from .sheet import write_sheet
from .sinks import Sinks
from .state import first_not_finite


class TrainingRun:
    """One process's view of a run in `folder`."""

    def __init__(self, plan: Plan, folder: Path, registry: Registry, *, console: Console, quiet: bool = False) -> None:
        self.plan, self.folder, self.registry = plan, folder, registry
        self.console, self.quiet = console, quiet
        self.checkpoints = Checkpoints(folder, keep=plan.settings.keep)
        self.best: dict[str, Any] | None = None
        self.done = 0
        self.saved: int | None = None
        self.main = True

    def train(self) -> None:
        """Run, or go on with, the plan to its end.

        Raises `GantoolError` for bad input, `TrainingFailed` where a figure is no longer finite, `Stopped` after a signal.
        """
        with Interrupt() as interrupt:
            session = open_session(self.plan, self.registry)
            try:
                self._train(session, interrupt)
            finally:
                session.draws.close()

    def _train(self, session: Session, interrupt: Interrupt) -> None:
        self.main = session.accelerator.is_main_process
        total = session.recipe.length(self.plan.settings.steps)
        with writing(self.folder):
            self._restore(session, total)
            # Again: it may say other things now that a resumed run was seen to be able to follow them.
            write_plan(self.folder, self.plan, self.registry)
            if self.saved == total:
                self._say(f"{self.folder} is complete: {total} of {total} steps; --steps N trains further")
                return
            self._say(f"{self.folder}: {session.summary}")
            with self._observed(total):
                self._loop(session, total, interrupt)
        if interrupt.signal is not None and self.done < total:
            raise Stopped(interrupt.exit_code, self.folder)

    def _restore(self, session: Session, total: int) -> None:
        for folder in (self.folder, self.folder / "samples"):
            remove_leftovers(folder)
        state = self.checkpoints.latest()
        if state is None:
            return
        if state["step"] > total:
            asked = f"--steps {self.plan.settings.steps} asks for {total}"
            raise GantoolError(f"{self.folder} has done {state['step']} steps, warm-ups included; {asked}")
        try:
            session.recipe.load_state_dict(state["recipe"])
        except (RuntimeError, ValueError, KeyError) as error:
            path, cause = self.checkpoints.path(state["step"]), shorten(str(error), 200)
            raise GantoolError(
                f"{path} does not fit the recipe; was a plugin upgraded (run.json has versions)? {cause}"
            ) from None
        session.draws.load_state_dict(state["draws"])
        set_random_state(state["random"])
        self.best, self.done, self.saved = state["best"], state["step"], state["step"]

    @contextmanager
    def _observed(self, total: int) -> Iterator[None]:
        self.sinks = Sinks(self.folder, self.registry, start=self.done, warn=lambda text: self._say(f"Warning: {text}"))
        self.progress = TrainingProgress(total, self.done, console=self.console, quiet=self.quiet)
        self.window = (time.monotonic(), self.done)
        try:
            yield
        finally:
            self.progress.close()
            self.sinks.close()

    def _loop(self, session: Session, total: int, interrupt: Interrupt) -> None:
        settings, recipe, draws, monitor = self.plan.settings, session.recipe, session.draws, Monitor()
        self._emit("start")
        if self.done == 0:
            self._sample(session)
        while self.done < total and interrupt.signal is None:
            phase = recipe.phase(self.done)
            monitor.add(self.done + 1, recipe.step(self.done, draws))
            self.done += 1
            ends = self.done == total
            saves = ends or self.done % settings.checkpoint_every == 0
            if saves or self.done % settings.log_every == 0 or recipe.phase(self.done) != phase:
                self._log(monitor, phase, always=ends)
            if ends or self.done % settings.sample_every == 0:
                self._sample(session)
            if saves:
                self._save(session)
        if self.saved != self.done:  # a signal came, or there was nothing to do: the run folder is whole in either case
            self._log(monitor, recipe.phase(max(0, self.done - 1)))
            self._save(session)
        self._emit("end")

    def _log(self, monitor: Monitor, phase: str, *, always: bool = False) -> None:
        values, broken = monitor.read()
        if broken:
            first = min(broken.values())
            names = [name for name, step in broken.items() if step == first]
            self._give_up(f"{', '.join(names)} is not finite since step {first}")
        if not values:
            return
        now = time.monotonic()
        since, step = self.window
        rate = (self.done - step) * self.plan.settings.batch_size / max(now - since, 1e-9)
        self.window = (now, self.done)
        values["images_per_second"] = rate
        self.progress.show(self.done, phase, values, always=always)
        self._emit("step", phase=phase, values=values)

    def _give_up(self, what: str) -> None:
        steps = self.checkpoints.steps()
        good = f"the last good checkpoint is {self.checkpoints.path(steps[-1])}" if steps else "there is no checkpoint yet"
        rates = (f" -o recipe.{name}={value / 2:g}" for name, value in self.plan.recipe.options.items() if name.endswith("lr"))
        precision = " or --precision fp32" if self.plan.settings.precision != "fp32" else ""
        smaller = f"smaller learning rates{''.join(rates)}{precision}"
        raise TrainingFailed(f"{what}; {good}. Resuming would end there again: try a new run with {smaller}")

    def _sample(self, session: Session) -> None:
        if not self.main:
            return
        source, target = session.sheet_images
        path = self.folder / "samples" / f"step-{self.done:08d}.png"
        path.parent.mkdir(exist_ok=True)
        with kept_random_state():
            write_sheet(path, source, session.recipe.refine(source), target)
        self._emit("sample", path=path)

    def _save(self, session: Session) -> None:
        state = {
            "recipe": session.recipe.state_dict(),
            "draws": session.draws.state_dict(),
            "random": random_state(),
            "generator": dict(session.recipe.generator().state_dict()),
        }
        # The figures of a step are those before its updates: what the last update did shows only here.
        if (bad := first_not_finite(state["recipe"])) is not None:
            self._give_up(f"{bad} is not finite since step {self.done}")
        self.saved = self.done
        if not self.main:
            return
        size = self.plan.settings.batch_size
        values, self.best = judge(session, self.best, step=self.done, batch_size=size)
        # The checkpoint last: once it is there, a resumed run takes all before it for done.
        write_bundle(self.folder, state["generator"], replace(session.recorded, step=self.done))
        path = self.checkpoints.save(self.done, {**state, "best": self.best}, best=self.best["step"] if self.best else None)
        self._emit("checkpoint", path=path, values=values)

    def _emit(self, kind: str, **details: Any) -> None:
        if self.main:
            self.sinks.send(Event(kind=kind, run=self.folder, step=self.done, **details))

    def _say(self, text: str) -> None:
        if not self.quiet and self.main:
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)
