"""The contracts of all hooks, checked by the host's kit."""

from published import write_split

import gantool.testing


def nyu(folder):
    if not (folder / "train").exists():  # the kit asks twice, to see that both data sets are equal
        write_split(folder / "train", frames=9)
        write_split(folder / "test", frames=3)
    return {"root": str(folder), "size": (48, 40)}


SMALL = {
    "nyu": nyu,
    "simulated": {"size": (32, 40)},
    "hourglass": {"features": 4, "stacks": 2, "steps": 10, "resolution": 10, "depth": 1},
}

test_conformance = gantool.testing.conformance("hands", options=SMALL)
