"""The contracts of all hooks, checked by the host's kit."""

import gaze_layouts

import gantool.testing


def mpiigaze(folder):
    gaze_layouts.write_unityeyes(folder / "unity")
    gaze_layouts.write_mpiigaze(folder / "MPIIGaze")
    return {"synthetic": str(folder / "unity"), "real": str(folder / "MPIIGaze"), "test_subjects": "p01"}


def columbia(folder):
    gaze_layouts.write_unityeyes(folder / "unity")
    gaze_layouts.write_columbia(folder / "columbia")
    return {"synthetic": str(folder / "unity"), "real": str(folder / "columbia"), "test_subjects": "0002"}


def pair(folder):
    gaze_layouts.write_h5_pair(folder)
    return {"synthetic": str(folder / "gaze.h5"), "real": str(folder / "real_gaze.h5")}


DATA = {"unityeyes-mpiigaze": mpiigaze, "unityeyes-columbia": columbia, "h5-pair": pair}

test_conformance = gantool.testing.conformance("gaze", options=DATA)
