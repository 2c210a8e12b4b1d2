#!/usr/bin/env bash
# accelerate: everybody's objects are emptied by whoever resets its state.
#
# One would expect that an `Accelerator` keeps the precision that it was made with. With accelerate 1.15.0 every object of a state class has
# the class's one dictionary as its `__dict__`: `_reset_state()`, by which a library can begin a run of another precision in one process, empties
# the objects of everybody else, whose `mixed_precision` then raises AttributeError. Where the attribute `_shared_state` gets another
# dictionary instead, objects that are there keep theirs, and new ones begin with nothing.
# Why it matters here: training inside of a user's program, who may have an Accelerator, must exchange the dictionaries and put them back.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 accelerate==1.15.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import accelerate
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState

print("accelerate", accelerate.__version__)


def outcome(call):
    try:
        return str(call())
    except AttributeError as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


STATES = (AcceleratorState, PartialState, GradientState)
own = Accelerator(cpu=True, mixed_precision="bf16")
kept = [vars(each)["_shared_state"] for each in STATES]
for each in STATES:
    each._shared_state = {}
other = Accelerator(cpu=True)
print("with other dictionaries:", own.mixed_precision, "and", other.mixed_precision)
assert (own.mixed_precision, other.mixed_precision) == ("bf16", "no")
for each, state in zip(STATES, kept):
    each._shared_state = state
AcceleratorState._reset_state(reset_partial_state=True)
emptied = outcome(lambda: own.mixed_precision)
print("after a reset by another:", emptied)
assert emptied.startswith("AttributeError")
PYTHON
