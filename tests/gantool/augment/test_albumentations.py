from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("albumentations", reason="needs the extra albumentations")

from gantool.augment.albumentations import Refine  # isort: skip - it keeps albumentations from asking PyPI
import albumentations as A

from gantool.errors import GantoolError

from .conftest import Saved, Watch, write_run

Expected = Callable[..., torch.Tensor]


def picture(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    return values if dtype is np.uint8 else values.astype(np.float32) / 255


def wanted(expected: Expected, run: Path, image: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """(H, W, C) uint8 or float32 to the same."""
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    scale = 255 if image.dtype == np.uint8 else 1
    refined = expected(run, pixels / scale, strength)[0].permute(1, 2, 0).numpy() * scale
    return np.rint(refined).astype(np.uint8) if image.dtype == np.uint8 else refined


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_an_image_is_refined(dtype: type, channels: int, runs: Saved, expected: Expected) -> None:
    image = picture(7, 9, channels, dtype=dtype)
    refined = A.Compose([Refine(runs(channels), p=1)])(image=image)["image"]
    assert refined.dtype == dtype
    np.testing.assert_allclose(refined, wanted(expected, runs(channels), image), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_rank_of_a_grey_image_is_kept(dtype: type, runs: Saved) -> None:
    transform, image = Refine(runs(1), p=1), picture(6, 5, dtype=dtype)
    flat, deep = transform(image=image)["image"], transform(image=image[..., None])["image"]
    assert flat.shape == (6, 5)
    assert deep.shape == (6, 5, 1)
    assert np.array_equal(flat, deep[..., 0])


def test_8_bit_values_are_rounded(runs: Saved) -> None:
    image = picture(20, 20, 3)
    exact = Refine(runs(), p=1)(image=image.astype(np.float32) / 255)["image"] * 255.0
    refined = Refine(runs(), p=1)(image=image)["image"]
    assert np.abs(refined - exact).max() <= 0.501


def test_strength_is_drawn_for_each_call_and_repeats_with_a_seed(runs: Saved, expected: Expected) -> None:
    image = picture(6, 5, 3, dtype=np.float32)
    transform = Refine(runs(), (0.2, 0.9), p=1)
    pipeline = A.Compose([transform], seed=3, save_applied_params=True)
    first = [pipeline(image=image) for _ in range(3)]
    strengths = [result["applied_transforms"][0][1]["strength"] for result in first]
    assert len(set(strengths)) == 3
    assert all(type(strength) is float and 0.2 <= strength <= 0.9 for strength in strengths)
    for result, strength in zip(first, strengths, strict=True):
        np.testing.assert_allclose(result["image"], wanted(expected, runs(), image, strength), atol=1e-6)
    again = A.Compose([Refine(runs(), (0.2, 0.9), p=1)], seed=3)
    assert all(np.array_equal(again(image=image)["image"], result["image"]) for result in first)


def test_p_decides_for_each_call(runs: Saved, seen: Watch) -> None:
    image, pipeline = picture(4, 4, 3), A.Compose([Refine(runs(), p=0.1)], seed=0)
    with seen(runs()) as counts:
        changed = sum(not np.array_equal(pipeline(image=image)["image"], image) for _ in range(100))
    assert len(counts) == changed
    assert 2 <= changed <= 25


def test_boxes_key_points_masks_and_labels_are_untouched(runs: Saved) -> None:
    image, mask = picture(32, 32, 3), picture(32, 32, seed=1)
    boxes = np.array([[0.123, 0.2, 0.5, 0.6], [0.1, 0.1, 0.3, 0.9]], dtype=np.float32)
    points = np.array([[3.3, 4.4], [30.1, 2.2]], dtype=np.float32)
    pipeline = A.Compose(
        [Refine(runs(), p=1), A.NoOp()],  # alone, albumentations warns that nothing will change the boxes
        bbox_params=A.BboxParams("albumentations", label_fields=["kind"]),
        keypoint_params=A.KeypointParams("xy"),
    )
    result = pipeline(image=image, mask=mask, masks=np.stack([mask, mask]), bboxes=boxes, kind=["a", "b"], keypoints=points)
    assert not np.array_equal(result["image"], image)
    assert np.array_equal(result["mask"], mask)
    assert np.array_equal(result["masks"], np.stack([mask, mask]))
    assert np.array_equal(result["bboxes"], boxes)
    assert np.array_equal(result["keypoints"], points)
    assert result["kind"] == ["a", "b"]


@pytest.mark.parametrize("target", ["images", "volume", "volumes"])
@pytest.mark.parametrize("grey", [False, True])
def test_stacks_are_computed_in_batches(target: str, grey: bool, runs: Saved, seen: Watch) -> None:
    run = runs(1 if grey else 3)
    leading = (2, 5) if target == "volumes" else (5,)
    stack = picture(*leading, 6, 7, *(() if grey else (3,)))
    transform = Refine(run, p=1, batch_size=3)
    with seen(run) as counts:
        refined = A.Compose([transform])(**{target: stack})[target]
    assert counts == ([3, 3, 3, 1] if target == "volumes" else [3, 2])
    assert refined.shape == stack.shape
    assert refined.dtype == stack.dtype
    each = [transform(image=image)["image"] for image in stack.reshape(-1, *stack.shape[len(leading) :])]
    assert np.abs(refined.reshape(np.stack(each).shape).astype(int) - np.stack(each)).max() <= 1


def test_further_targets_are_images_too(runs: Saved) -> None:
    image = picture(6, 6, 3)
    result = A.Compose([Refine(runs(), p=1)], additional_targets={"right": "image"})(image=image, right=image)
    assert np.array_equal(result["image"], result["right"])
    assert not np.array_equal(result["image"], image)


def test_the_callers_memory_is_neither_changed_nor_kept(runs: Saved) -> None:
    image = picture(6, 6, 3, dtype=np.float32)
    before = image.copy()
    refined = Refine(runs(), p=1)(image=image)["image"]
    assert not np.shares_memory(refined, image)
    refined[:] = 0
    assert np.array_equal(image, before)


def test_any_strides_and_read_only_memory_are_accepted(runs: Saved) -> None:
    image, transform = picture(6, 8, 3), Refine(runs(), p=1)
    for view in (image[::-1], image[:, ::-1], image[..., ::-1], image.transpose(1, 0, 2), image[::2, ::2]):
        view.flags.writeable = False
        assert np.array_equal(transform.apply(view, strength=1.0), transform.apply(view.copy(), strength=1.0))


def test_one_changed_pixel_stays_local(runs: Saved) -> None:
    image, transform = picture(21, 21, 3, dtype=np.float32), Refine(runs(), p=1)
    touched = image.copy()
    touched[10, 10] = 1 - touched[10, 10]
    changed = np.argwhere((transform(image=image)["image"] != transform(image=touched)["image"]).any(-1))
    assert np.abs(changed - 10).max() <= 3
    assert len(changed) > 1


def test_a_large_image_in_tiles_is_the_same(runs: Saved, seen: Watch) -> None:
    image = picture(50, 70, 3, dtype=np.float32)
    with seen(runs()) as counts:
        tiled = Refine(runs(), p=1, tile=32)(image=image)["image"]
    assert len(counts) > 4
    np.testing.assert_allclose(tiled, Refine(runs(), p=1)(image=image)["image"], atol=1e-5)


def through_json(pipeline: A.Compose) -> A.Compose:
    return A.from_dict(json.loads(json.dumps(A.to_dict(pipeline))))


def through_file(pipeline: A.Compose, form: str) -> A.Compose:
    file = io.StringIO()
    A.save(pipeline, file, data_format=form)
    file.seek(0)
    return A.load(file, data_format=form)


ROUND_TRIPS: dict[str, Callable[[A.Compose], A.Compose]] = {
    "dict": lambda pipeline: A.from_dict(A.to_dict(pipeline)),
    "json": through_json,
    "json file": lambda pipeline: through_file(pipeline, "json"),
    "yaml file": lambda pipeline: through_file(pipeline, "yaml"),
    "pickle": lambda pipeline: pickle.loads(pickle.dumps(pipeline)),
}


@pytest.mark.parametrize("way", ROUND_TRIPS)
def test_a_pipeline_survives(way: str, runs: Saved) -> None:
    if way.startswith("yaml"):
        pytest.importorskip("yaml")
    pipeline = A.Compose([A.HorizontalFlip(p=1), Refine(runs(), (0.5, 0.5), p=1, batch_size=7, tile=64)])
    again = ROUND_TRIPS[way](pipeline)
    image = picture(6, 5, 3)
    assert np.array_equal(again(image=image)["image"], pipeline(image=image)["image"])
    assert json.dumps(A.to_dict(again)) == json.dumps(A.to_dict(pipeline))


def test_neither_pickles_nor_dicts_hold_weights(runs: Saved) -> None:
    transform = Refine(runs(), p=1)
    transform(image=picture(6, 6, 3))
    kept = A.to_dict(transform)["transform"]
    assert kept == {
        "__class_fullname__": "gantool.augment.albumentations.Refine",
        "run": str(runs()),
        "digest": transform.digest,
        "strength": (1.0, 1.0),
        "batch_size": 32,
        "device": "cpu",
        "tile": None,
        "p": 1.0,
    }
    network = transform._reference.network(torch.device("cpu"))
    weights = next(network.parameters()).detach().numpy().tobytes()
    assert weights not in pickle.dumps(transform)


def test_a_serialised_pipeline_refuses_other_weights(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    kept = A.to_dict(A.Compose([Refine(run, p=1)]))
    write_run(run, seed=1)
    with pytest.raises(GantoolError, match="has changed since this transform was made"):
        A.from_dict(kept)


def test_replay_repeats_what_was_drawn(runs: Saved) -> None:
    image, other = picture(6, 5, 3), picture(6, 5, 3, seed=1)
    pipeline = A.ReplayCompose([A.HorizontalFlip(p=0.5), Refine(runs(), (0, 1), p=0.5)])
    applied = set()
    for _ in range(12):
        result = pipeline(image=image)
        kept = json.loads(json.dumps(result["replay"]))
        applied.add(kept["transforms"][1]["applied"])
        assert np.array_equal(A.ReplayCompose.replay(kept, image=image)["image"], result["image"])
        A.ReplayCompose.replay(kept, image=other)
    assert applied == {False, True}


def test_kornia_gives_the_same_image(runs: Saved) -> None:
    pytest.importorskip("kornia", reason="needs the extra kornia")
    from gantool.augment.kornia import RandomRefine

    image = picture(17, 23, 3)
    ours = Refine(runs(), p=1)(image=image)["image"]
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    theirs = RandomRefine(runs(), p=1.0)(pixels)[0].permute(1, 2, 0).numpy()
    assert np.abs(ours / 255 - theirs).max() <= 1 / 255


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strength": (0.0, 2.0)}, "strength: two numbers"),
        ({"strength": 0.5}, "strength: two numbers"),
        ({"batch_size": 0}, "batch_size: a whole number"),
        ({"batch_size": "8"}, "batch_size: a whole number"),
        ({"batch_size": True}, "batch_size: a whole number"),
        ({"tile": 0}, "tile: a side in pixels"),
        ({"tile": 9}, "tile 9 is too small for an overlap of"),
        ({"device": "warp"}, "'warp' is no device"),
        ({"device": None}, "device: a name such as 'cpu'"),
        ({"digest": "0" * 64}, "has changed since"),
        ({"digest": ""}, "digest: a SHA-256"),
        ({"digest": 3}, "digest: a SHA-256"),
        ({"p": 1.5}, r"^Refine p: a probability between 0 and 1, got 1\.5$"),
        ({"p": None}, "^Refine p: a probability"),
        ({"strenght": (0, 1)}, "no argument 'strenght'; did you mean 'strength'"),
    ],
)
def test_wrong_arguments_are_errors_and_never_defaults(arguments: dict[str, object], message: str, runs: Saved) -> None:
    with pytest.raises(GantoolError, match=message):
        Refine(runs(), **arguments)


def test_a_wrong_run_is_an_error(runs: Saved) -> None:
    with pytest.raises(GantoolError, match="is no run folder"):
        Refine("nowhere")
    for nothing in (None, "", 3, torch.nn.Identity()):
        with pytest.raises(GantoolError, match="^run: a run folder, or owner/name"):
            Refine(nothing)
    with pytest.raises(GantoolError, match="^run: a run folder.* got None$"):
        Refine()
    with pytest.raises(GantoolError, match="no argument 'runn'; did you mean 'run'"):
        Refine(runn=runs())


def test_its_docstring_says_its_targets_where_the_librarys_tools_read_them(runs: Saved) -> None:
    said = [name.strip() for name in (Refine.__doc__ or "").partition("    Targets:\n")[2].splitlines()[0].split(",")]
    refine = Refine(runs(), p=1, device=torch.device("cpu"))
    assert refine.device == "cpu"
    pictures = {"image": picture(5, 5, 3), "images": np.stack([picture(5, 5, 3)]), "volume": np.stack([picture(5, 5, 3)] * 2)}
    pictures["volumes"] = pictures["volume"][None]
    assert said == list(pictures)
    for target, values in pictures.items():
        others = {} if target == "image" else {"image": picture(5, 5, 3)}
        assert not np.array_equal(refine(**others, **{target: values})[target], values)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [(ValueError, {"p": 1.5}), (ValueError, {"digest": ""}), (TypeError, {"strenght": 1}), (TypeError, {"run": 3})],
)
def test_errors_are_those_that_the_librarys_users_catch(kind: type[Exception], arguments: dict[str, object], runs: Saved) -> None:
    with pytest.raises(kind):
        Refine(**{"run": runs(), **arguments})


def test_an_argument_too_many_is_not_dropped(runs: Saved) -> None:
    with pytest.raises(GantoolError, match="takes 7 arguments, got 8: run, strength, p, batch_size, device, digest, tile"):
        Refine(runs(), (0, 1), 1, 8, "cpu", None, None, "more")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (picture(5, 5, 1), "refines images of 3 channels, got 1"),
        (picture(5, 5), r"refines images of 3 channels, got 1 in \(5, 5\)"),
        (picture(5, 5, 3).astype(np.uint16), "got uint16"),
        (picture(5, 5, 3).astype(np.float64) / 255, "got float64"),
        (picture(5, 5, 3).astype(np.float32), r"takes images in \[0, 1\]"),
        (np.full((5, 5, 3), np.nan, dtype=np.float32), r"takes images in \[0, 1\], got NaN"),
        (picture(5, 5, 3).astype(np.int64), r"got int64: put A\.ToFloat\(max_value=…\) before it"),
    ],
)
def test_wrong_images_are_refused(image: np.ndarray, message: str, runs: Saved) -> None:
    with pytest.raises(GantoolError, match=message):
        Refine(runs(), p=1)(image=image)
