"""Which parts of a refiner help on which data: trains every setting on every set with several seeds, then evaluates them.

    nice -n 15 python scripts/experiments/refiners.py DATA OUT --sets blood dice --seeds 0 1 2

DATA holds `blood`, `dice` and `eyes` as SETS below says. What is done is not done again, so the same command goes on after a
stop, and with more seeds, sets or settings does what is missing. Every evaluation augments all of its arms; labelled real
pictures are judged in halves: choose a setting by `first.txt`, report it from `second.txt`, and the other way round.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TODAY = ("--preset", "laptop")
MATCH = ("--match", "grid")
NOISE = ("-o", "generator.noise=true")
STEADY = ("-o", "discriminator.depth=3", "-o", "recipe.lambda_reg=1.0", "-o", "recipe.decay=1.0")
"""D sees 15 px instead of 23 (all of its layers are normalised in the preset, too), and rates fall from the first step."""
SETTINGS: dict[str, tuple[str, ...]] = {
    "today": TODAY,
    "match": (*TODAY, *MATCH),
    "match-network": (*TODAY, "--match", "network"),
    "noise": (*TODAY, *NOISE),
    "steady": (*TODAY, *STEADY),
    "match-noise": (*TODAY, *MATCH, *NOISE),
    "match-steady": (*TODAY, *MATCH, *STEADY),
    "all": (*TODAY, *MATCH, *NOISE, *STEADY),
}


@dataclass(frozen=True)
class Data:
    """Where a set lies, by paths in DATA."""

    synthetic: str
    real: str
    labelled: str
    train: tuple[str, ...] = ()
    """Further words for training."""
    evaluate: tuple[str, ...] = ()


RANGE = ("-o", "dataset.label_range={gaze_pitch_yaw_rad=[[-0.31,0.07],[-0.32,0.32]]}")
SETS = {
    "blood": Data("blood/synthetic", "blood/real/train/images", "blood/real/val", ("--patch", "64x64")),
    "dice": Data("dice/synthetic", "dice/real/train/images", "dice/real/val", ("--patch", "64x64")),
    "eyes": Data(
        "eyes/synthetic_train.npz", "eyes/real_unlabelled.npz", "eyes/real_val.npz", RANGE, ("-o", "estimator.steps=500")
    ),
    "eyes-hard": Data(
        "eyes/synthetic_train.npz",
        "eyes/real_unlabelled.npz",
        "eyes/real_val.npz",
        (*RANGE, "--equalize"),
        ("-o", "estimator.steps=500"),
    ),
}


def gantool(*words: object, into: Path | None = None) -> bool:
    """Run a command; what it prints goes to a file, which is there once all went well. Returns whether it did."""
    print("gantool", *words, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "gantool", *map(str, words)], stdout=subprocess.PIPE if into else None, text=True, check=False
    )
    if done.returncode == 0 and into:
        into.write_text(done.stdout, encoding="utf-8")
    return done.returncode == 0


def train(run: Path, data: Data, root: Path, words: tuple[str, ...], steps: int, seed: int) -> bool:
    """Train a run, or go on with it."""
    finished = run.parent / f"{run.name}.done"
    if finished.exists():
        return True
    if (run / "run.json").exists():
        done = gantool("train", "--resume", run, "--quiet")
    else:
        where = ("--synthetic", root / data.synthetic, "--real", root / data.real)
        length = ("--steps", steps, "--checkpoint-every", max(50, steps // 6), "--seed", seed)
        done = gantool("train", "--plugin", "simgan", *where, *data.train, *words, *length, "--output", run, "--quiet")
    if done:
        finished.touch()
    return done


def main() -> None:
    """Do what is missing, then print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["blood", "dice"])
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=300)
    asked, more = parser.parse_known_args()  # the rest goes to gantool evaluate
    for name in asked.sets:
        for setting in asked.settings:
            folder, data = asked.out / name / setting, SETS[name]
            folder.mkdir(parents=True, exist_ok=True)
            runs = [folder / f"seed-{seed}" for seed in asked.seeds]
            pairs = zip(runs, asked.seeds, strict=True)
            if not all(train(run, data, asked.data, SETTINGS[setting], asked.steps, seed) for run, seed in pairs):
                continue
            for half in ("first", "second"):
                if not (found := folder / f"{half}.txt").exists():
                    words = ("--real-labelled", asked.data / data.labelled, "--augment", "--report-half", half, "--quiet")
                    gantool("evaluate", *runs, *words, *data.evaluate, *more, into=found)
    for found in sorted(asked.out.glob("*/*/*.txt")):
        print(f"\n{found.relative_to(asked.out)}\n{found.read_text(encoding='utf-8')}")


if __name__ == "__main__":
    main()
