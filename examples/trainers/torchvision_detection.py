"""A detector of torchvision as the trainer of `gantool evaluate`, from scratch.

    gantool evaluate RUN --real-labelled DIR --trainer-format coco \\
        --trainer 'python examples/trainers/torchvision_detection.py {train} {test} {seed} {out} --updates 2000'

Needs `pip install torch torchvision`. The budget is a number of updates, so it is equal for all arms.
"""

import argparse
import json
from pathlib import Path

import torch
from torchvision.io import ImageReadMode, read_image
from torchvision.models.detection import ssdlite320_mobilenet_v3_large

parser = argparse.ArgumentParser()
for name in ("train", "test", "seed", "out"):
    parser.add_argument(name)
parser.add_argument("--updates", type=int, default=2000)
parser.add_argument("--batch", type=int, default=8)
said = parser.parse_args()
torch.manual_seed(int(said.seed))


def read(path: Path) -> torch.Tensor:
    """(3, H, W) in [0, 1]."""
    return read_image(str(path), ImageReadMode.RGB).float() / 255


coco = json.loads(Path(said.train, "annotations.json").read_text())
known = {image["id"]: (image["file_name"], {"boxes": [], "labels": []}) for image in coco["images"]}
for each in coco["annotations"]:
    left, top, width, height = each["bbox"]
    known[each["image_id"]][1]["boxes"].append([left, top, left + width, top + height])
    known[each["image_id"]][1]["labels"].append(each["category_id"])  # from 1: 0 is the background

count = 1 + len(coco["categories"])
model = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=count, score_thresh=0.001).train()
optimizer = torch.optim.AdamW(model.parameters())
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=said.updates)
for update in range(said.updates):
    batch = [list(known.values())[number] for number in torch.randperm(len(known))[: said.batch]]
    images = [read(Path(said.train, "images", name)) for name, _ in batch]
    targets = [{"boxes": torch.tensor(t["boxes"]).reshape(-1, 4), "labels": torch.tensor(t["labels"]).long()} for _, t in batch]
    loss = sum(model(images, targets).values())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    print(f"update {update}: loss {loss.item():.3f}", flush=True)

predictions = []
for path in sorted(Path(said.test).glob("*.png")):
    predictions.append({"image_id": path.name})  # looked at, even if nothing is found
    with torch.inference_mode():
        (found,) = model.eval()([read(path)])
    for (x0, y0, x1, y1), label, score in zip(*(found[key].tolist() for key in ("boxes", "labels", "scores")), strict=True):
        predictions.append({"image_id": path.name, "category_id": label, "bbox": [x0, y0, x1 - x0, y1 - y0], "score": score})
Path(said.out, "predictions.json").write_text(json.dumps(predictions))
