"""Real steps on the data, and an evaluation of persons that were held out."""

import gaze_layouts
import pytest

import gantool

SMALL = {"generator.width": 4, "generator.blocks": 1, "discriminator.width_factor": 0.1, "recipe.discriminator_warmup": 1}


@pytest.fixture
def data(tmp_path):
    gaze_layouts.write_unityeyes(tmp_path / "unity", count=66, size=(240, 320))
    gaze_layouts.write_mpiigaze(tmp_path / "MPIIGaze", days=2, frames=12)
    return {"synthetic": tmp_path / "unity", "real": tmp_path / "MPIIGaze"}


def test_trains_measures_the_pupil_and_evaluates_held_out_persons(gantool_host, data):
    host = gantool_host("gaze", "simgan")
    options = SMALL | {"dataset.test_subjects": "p01", "dataset.test_images": "all"}
    run = host.train(
        "simgan",
        dataset="gaze:unityeyes-mpiigaze",
        metric="gaze:pupil-movement",
        size=(35, 55),
        options=options,
        checkpoint_every=2,
        **data,
    )
    assert gantool.load(run) is not None
    assert "pupil_moved_px" in (run / "metrics.jsonl").read_text()
    result = gantool.evaluate(run, estimators=["gaze:pupil"], arms=["synthetic", "refined"], repeats=1, evidence=False)
    assert result["data"]["real_labelled"]["images"] == 48
    assert result["data"]["labels"] == "gaze_pitch_yaw_rad"
    assert result["data"]["keypoints"] == "pupil_xy"
    assert result["data"]["size"] == [35, 55]


def test_trains_on_the_h5_pair(gantool_host, tmp_path):
    gaze_layouts.write_h5_pair(tmp_path)
    host = gantool_host("gaze", "simgan")
    paths = {"synthetic": tmp_path / "gaze.h5", "real": tmp_path / "real_gaze.h5"}
    assert gantool.load(host.train("simgan", dataset="gaze:h5-pair", options=SMALL, **paths)) is not None
