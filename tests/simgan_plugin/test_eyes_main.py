import json

import numpy as np
from click.testing import CliRunner
from PIL import Image

from simgan_plugin.eyes import EyeDomain, eyes
from simgan_plugin.eyes.__main__ import main
from simgan_plugin.options import EyesOptions


def test_writes_what_the_data_set_holds(tmp_path):
    result = CliRunner().invoke(
        main, [str(tmp_path), "--count", "3", "--size", "20", "30", "--seed", "4"], catch_exceptions=False
    )
    assert result.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "synthetic").iterdir()) == [
        f"00000{number}.{suffix}" for number in range(3) for suffix in ("json", "png")
    ]
    assert {path.suffix for path in (tmp_path / "camera").iterdir()} == {".png"}
    domain = EyeDomain("synthetic", 3, (20, 30), False, 4)
    with Image.open(tmp_path / "synthetic" / "000002.png") as image:
        np.testing.assert_array_equal(np.asarray(image), domain[2][..., 0])
    labels = json.loads((tmp_path / "synthetic" / "000002.json").read_text())
    np.testing.assert_allclose(labels["pupil_xy"], domain.labels["pupil_xy"][2], atol=1e-4)
    test = json.loads((tmp_path / "camera-test" / "000002.json").read_text())
    expected = eyes(config=EyesOptions(size=(20, 30), seed=4)).test.labels["gaze_pitch_yaw_rad"][2]
    np.testing.assert_allclose(test["gaze_pitch_yaw_rad"], expected, atol=1e-4)


def test_writes_colour(tmp_path):
    CliRunner().invoke(main, [str(tmp_path), "--count", "1", "--color"], catch_exceptions=False)
    with Image.open(tmp_path / "camera" / "000000.png") as image:
        assert (image.mode, image.size) == ("RGB", (55, 35))
