"""A training run from its first to its last step: draws, logs, samples, checkpoints, stops."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from textwrap import shorten
from typing import Any

from accelerate.utils import set_seed
from rich.console import Console

from ..ambient import kept_random_state
from ..components import Event
from ..compute.memory import kept_memory
from ..compute.processes import Team
from ..errors import GantoolError, Stopped, TrainingFailed
from ..model.bundle import write_bundle
from ..plan.resolve import Plan
from ..plugins.registry import Registry
from ..runs.checkpoints import Checkpoints, random_state, set_random_state
from ..runs.files import remove_leftovers
from ..runs.folder import write_plan, writing
from ..runs.state import first_not_finite, pack, unpack
from .interrupt import Interrupt
from .monitor import Monitor, means
from .profiling import StepProfiler
from .progress import TrainingProgress
from .selection import choose_best
from .session import Session, looks_apart, meet, open_session, own_seed
from .sheets import shown, write_sheet
from .sinks import Sinks


class TrainingRun:
    """One process's view of a run in `folder`."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        registry: Registry,
        *,
        console: Console,
        quiet: bool = False,
        profile: bool = False,
        team: Team | None = None,
        program: bool = False,
        moved: bool = False,
        told: Sequence[str] = (),
    ) -> None:
        """`moved`: data are said to be elsewhere than the run began with; then they must be the same. `told`: lines that a person
        reads when it begins."""
        self.plan, self.folder, self.registry = plan, folder, registry
        self.console, self.quiet = console, quiet
        self.profile, self.program, self.moved, self.told = profile, program, moved, told
        self.profiler: StepProfiler | None = None
        self.team = team
        self.checkpoints = Checkpoints(folder, keep=plan.settings.keep)
        self.best: dict[str, Any] | None = None
        self.done = 0
        self.saved: int | None = None
        self.main = team is None or team.is_main

    def train(self) -> None:
        """Run, or go on with, the plan to its end.

        Raises `GantoolError` for bad input, `TrainingFailed` where a figure is no longer finite, `Stopped` after a signal.
        """
        with kept_memory(), Interrupt(quiet=not self.main, program=self.program) as interrupt:
            team = self.team = self.team or meet(self.plan.settings)
            # Within the handlers of signals, which treat the loss of another process in a way of their own.
            with team.surviving(self.folder):
                session = open_session(self.plan, team, self.folder)
                try:
                    self._train(session, team, interrupt)
                finally:
                    session.draws.close()

    def _train(self, session: Session, team: Team, interrupt: Interrupt) -> None:
        total = session.recipe.length(self.plan.settings.steps)
        with writing(self.folder):
            self._check_shared(team)
            with team.together():
                self._restore(session, team, total)
            self.plan = session.plan
            if self.main:
                # Again: it may say other things now that a resumed run was seen to be able to follow them.
                write_plan(self.folder, self.plan, self.registry, processes=team.count, total=total)
                if session.content:
                    session.content.keep(self.folder)
            if self.saved == total:
                self._say(f"{self.folder} is complete: {total} of {total} steps; --steps N trains further")
                return
            phases = Counter(map(session.recipe.phase, range(total)))
            shares = f": {', '.join(f'{name} {count}' for name, count in phases.items())}" if len(phases) > 1 else ""
            self._say("\n".join((f"{self.folder}: {session.summary}", *self.told, f"{total} steps{shares}")))
            for text in looks_apart(session.held_source, session.held_target) if self.main else ():
                self._warn(text)
            with self._observed(session, team, total):
                self._loop(session, team, total, interrupt)
        if self.done < total:
            raise Stopped(128 + max(team.gather(interrupt.signal or 0)), self.folder)

    def _check_shared(self, team: Team) -> None:
        seen = team.gather(self.checkpoints.steps())
        if any(steps != seen[0] for steps in seen):
            raise GantoolError(f"{self.folder} differs between processes: a run is resumed from storage that all share").known()

    def _restore(self, session: Session, team: Team, total: int) -> None:
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
        self._compare_data(state.get("data", session.fingerprints), session.fingerprints, step=state["step"])
        if team.rank == 0:
            set_random_state(state["random"])
        elif team.rank <= len(others := state.get("other_random", [])):
            set_random_state(others[team.rank - 1])
        else:
            # This run had fewer processes: other numbers than those that were drawn from the seed so far.
            set_seed(own_seed(self.plan.settings.seed + state["step"], team.rank))
        self.best, self.done, self.saved = state["best"], state["step"], state["step"]

    def _compare_data(self, before: dict[str, dict[str, str]], now: dict[str, dict[str, str]], *, step: int) -> None:
        # How many images are held depends on both counts, so digests tell something only where these agree.
        for figure in ("count", "digest"):
            if changed := [name for name in now if before[name][figure] != now[name][figure]]:
                counts = ", ".join(f"{before[name]['count']} then, {now[name]['count']} now" for name in changed)
                what = f"{' and '.join(changed)} images are not those of the first {step} steps ({counts})"
                if self.moved:
                    raise GantoolError(f"the {what}: name the place that they were moved to, or start a new run")
                self._warn(f"the {what}: training goes on, but not as an uninterrupted run would have")
                return

    @contextmanager
    def _observed(self, session: Session, team: Team, total: int) -> Iterator[None]:
        self.window = (time.monotonic(), self.done)
        with team.together():
            if self.main:
                self.sinks = Sinks(self.folder, self.registry, self.plan.loggers, start=self.done, warn=self._warn)
        if not self.main:
            yield
            return
        figures = session.figures
        self.progress = TrainingProgress(total, self.done, console=self.console, quiet=self.quiet, figures=figures)
        if self.profile and self.done < total:
            phase = session.recipe.phase(total - 1)
            self.profiler = StepProfiler(self.folder, phase, team.accelerator.device, self._say)
        try:
            yield
        finally:
            if self.profiler:
                self.profiler.close()
            self.progress.close()
            self.sinks.close()

    def _loop(self, session: Session, team: Team, total: int, interrupt: Interrupt) -> None:
        settings, recipe, draws, monitor = self.plan.settings, session.recipe, session.draws, Monitor()
        self._emit("start")
        if self.done == 0:
            self._sample(session)
        stop = team.anyone(interrupt.signal is not None)
        while self.done < total and not stop:
            phase = recipe.phase(self.done)
            monitor.add(self.done + 1, recipe.step(self.done, draws))
            self.done += 1
            if self.profiler:
                self.profiler.after(self.done, phase)
            ends = self.done == total
            saves = ends or self.done % settings.checkpoint_every == 0
            if saves or self.done % settings.log_every == 0 or recipe.phase(self.done) != phase:
                self._log(monitor, team, phase, always=ends)
            if ends or self.done % settings.sample_every == 0:
                self._sample(session)
            if saves:
                self._save(session, team)
            stop = team.anyone(interrupt.signal is not None)
        if self.saved != self.done:  # a signal came, or there was nothing to do: the run folder is whole in either case
            self._log(monitor, team, recipe.phase(max(0, self.done - 1)))
            self._save(session, team)
        self._emit("end")

    def _log(self, monitor: Monitor, team: Team, phase: str, *, always: bool = False) -> None:
        values, broken = means(chain(*team.gather(monitor.read())))
        if broken:
            first = min(broken.values())
            names = [name for name, step in broken.items() if step == first]
            self._give_up(f"{', '.join(names)} is not finite since step {first}")
        if not values or not self.main:
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
        # Every process looks at the same figures.
        raise TrainingFailed(f"{what}; {good}. Resuming would end there again: try a new run with {smaller}").known()

    def _sample(self, session: Session) -> None:
        if not self.main:
            return
        batch, target = session.sheet_images
        path = self.folder / "samples" / f"step-{self.done:08d}.png"
        path.parent.mkdir(exist_ok=True)
        with kept_random_state():
            refined = session.recipe.refine(batch)
        write_sheet(path, batch.images, refined, target, shown(batch.conditions, session.recorded.conditions))
        self._emit("sample", path=path)

    def _save(self, session: Session, team: Team) -> None:
        others = team.gather_bytes(pack(random_state()) if team.rank else b"")[1:]
        team.check_equal(session.recipe.generator())
        # Nobody goes on before the checkpoint is there, or without those who failed.
        with team.together(), writing(self.folder):
            if self.main:
                self._write(session, [unpack(each) for each in others])
        self.saved = self.done

    def _write(self, session: Session, others: list[dict[str, Any]]) -> None:
        state: dict[str, Any] = {
            "recipe": session.recipe.state_dict(),
            "draws": session.draws.state_dict(),
            "data": session.fingerprints,
            "random": random_state(),
            "other_random": others,
            "generator": dict(session.recipe.generator().state_dict()),
        }
        # The figures of a step are those before its updates: what the last update did shows only here.
        if (bad := first_not_finite(state["recipe"])) is not None:
            self._give_up(f"{bad} is not finite since step {self.done}")
        settings = self.plan.settings
        at_once = settings.batch_size // (session.team.count * settings.accumulate)
        values, self.best = choose_best(
            session, self.best, step=self.done, batch_size=settings.batch_size, at_once=at_once, warn=self._warn
        )
        # The checkpoint last: once it is there, a resumed run takes all before it for done.
        write_bundle(self.folder, state["generator"], replace(session.recorded, step=self.done))
        path = self.checkpoints.save(self.done, {**state, "best": self.best}, best=self.best["step"] if self.best else None)
        self._emit("checkpoint", path=path, values=values)

    def _emit(self, kind: str, **details: Any) -> None:
        if self.main:
            self.sinks.send(Event(kind=kind, run=self.folder, step=self.done, **details))

    def _warn(self, text: str) -> None:
        self._say(f"Warning: {text}")

    def _say(self, text: str) -> None:
        if not self.quiet and self.main:
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)
