from __future__ import annotations

import pytest
import torch

from gantool.errors import GantoolError
from gantool.evaluation.evidence import preservation
from gantool.evaluation.evidence.preservation import label_preservation

COUNT, HEIGHT, WIDTH, STEPS = 128, 16, 20, 60


def discs(height: int = HEIGHT, width: int = WIDTH, radius: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Dark discs with a bright spot, (N, 1, H, W), and their centres, (N, 1, 2) in px."""
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(COUNT, 1, 1, generator=generator) * (side - 2 * radius - 6) + radius + 3 for side in (width, height))
    distance = ((torch.arange(width) - x) ** 2 + (torch.arange(height)[:, None] - y) ** 2).sqrt()
    images = (distance - radius).clamp(-1, 1) * 0.6 + 0.03 * torch.randn(distance.shape, generator=generator)
    return images[:, None], torch.cat([x, y], 2).reshape(COUNT, 1, 2)


def shifted(images: torch.Tensor, pixels: int) -> torch.Tensor:
    return images.roll(pixels, 3)


@pytest.mark.parametrize(("pixels", "tolerance"), [(0, 1e-6), (1, 0.35), (2, 0.35)])
def test_a_planted_shift_is_measured_in_px(pixels, tolerance):
    images, centres = discs()
    found = label_preservation(images, shifted(images, pixels), keypoints=centres, steps=STEPS)["keypoints"]
    assert found["movement"]["mean"] == pytest.approx(pixels, abs=tolerance)
    assert found["movement"]["of_width"] == pytest.approx(found["movement"]["mean"] / WIDTH)
    assert found["shift"][0] == pytest.approx(pixels, abs=tolerance)
    assert found["shift"][1] == pytest.approx(0, abs=0.2)
    assert found["error"]["mean"] < 0.8
    if pixels == 2:
        assert found["beyond_noise"] == pytest.approx(2, abs=0.7)


def test_another_tone_does_not_count_as_movement():
    images, centres = discs()
    found = label_preservation(images, images * 0.7 - 0.1, keypoints=centres, steps=STEPS)["keypoints"]
    assert found["movement"]["mean"] < 0.3
    assert found["beyond_noise"] < 0.5


def test_numbers_agree_where_refining_leaves_them_and_do_not_where_it_takes_them_away():
    images, centres = discs()
    labels = centres[:, 0]
    same = label_preservation(images, images * 0.8, labels=labels, steps=STEPS)["labels"]
    gone = label_preservation(images, images[torch.randperm(COUNT)], labels=labels, steps=STEPS)["labels"]
    assert (same["kind"], same["images"]) == ("numbers", COUNT // 2)
    assert same["difference"]["mean"] < 0.2 < 0.5 < gone["difference"]["mean"]
    assert gone["error_refined"]["mean"] > 2 * same["error_refined"]["mean"]


def test_classes_agree_where_refining_leaves_them():
    images, centres = discs()
    classes = (centres[:, 0, 0] > WIDTH / 2).long() * 7
    flipped = torch.where((torch.arange(COUNT) % 2 == 0)[:, None, None, None], images, images.flip(3))
    same = label_preservation(images, images * 0.8, labels=classes, steps=STEPS)["labels"]
    half = label_preservation(images, flipped, labels=classes, steps=STEPS)["labels"]
    assert same["kind"] == "classes"
    assert same["agreement"] > 0.9 > 0.8 > half["agreement"]
    assert same["accuracy"] > 0.85


def test_edges_are_read_beside_their_controls():
    images, _ = discs(20, 28, 4)
    found = [label_preservation(images, shifted(images, pixels))["edges"] for pixels in (0, 2, 3)]
    assert [each["f1"] for each in found] == sorted((each["f1"] for each in found), reverse=True)
    assert found[0]["kept"] == 1
    for pixels, each in zip((2, 3), found[1:], strict=True):
        assert each["f1"] == pytest.approx(each["controls"][f"shifted_{pixels}px"]["f1"], abs=0.03)
    assert found[0]["controls"]["unrelated"]["f1"] < found[2]["f1"]


def test_labels_that_are_not_given_are_not_judged():
    images, _ = discs()
    found = label_preservation(images, images)
    assert (found["images"], found["keypoints"], found["labels"]) == (COUNT, None, None)


def test_large_images_give_px_of_their_own_size(monkeypatch):
    monkeypatch.setattr(preservation, "_LONG", WIDTH)
    images, centres = discs()
    large = torch.nn.functional.interpolate(images, scale_factor=3, mode="nearest")
    found = label_preservation(large, shifted(large, 6), keypoints=centres * 3 + 1, steps=STEPS)["keypoints"]
    assert found["movement"]["mean"] == pytest.approx(6, abs=0.75)
    assert found["error"]["mean"] < 1


def test_what_does_not_fit_is_refused():
    images, centres = discs()
    with pytest.raises(GantoolError, match="are no pairs"):
        label_preservation(images, images[:100])
    with pytest.raises(GantoolError, match="needs 64 images, got 10"):
        label_preservation(images[:10], images[:10])
    with pytest.raises(GantoolError, match=r"key points must be \(128, K, 2\), got \(128, 2\)"):
        label_preservation(images, images, keypoints=centres[:, 0])
    with pytest.raises(GantoolError, match=r"labels must be \(128,\) or \(128, D\), got \(127,\)"):
        label_preservation(images, images, labels=torch.zeros(127))
