"""Ultralytics YOLO as the trainer of `gantool evaluate`, from scratch.

    gantool evaluate RUN --real-labelled DIR --trainer-format yolo \\
        --trainer 'python examples/trainers/ultralytics_yolo.py {train} {test} {seed} {out} --epochs 25 --imgsz 256'

Needs `pip install ultralytics` (AGPL-3.0) where its program `yolo` is found; this script runs that program and imports nothing of
it. Give all arms equal updates: `real` may have another number of pictures than the others, and epochs go by pictures.
"""

import argparse
import json
import struct
import subprocess
from pathlib import Path

parser = argparse.ArgumentParser()
for name in ("train", "test", "seed", "out"):
    parser.add_argument(name)
parser.add_argument("--model", default="yolo11n.yaml", help="a .yaml begins from scratch")
parser.add_argument("--epochs", default="25")
parser.add_argument("--imgsz", default="256")
parser.add_argument("--batch", default="16", help="pictures of one update")
said = parser.parse_args()
out = Path(said.out).resolve()


def yolo(*words: str) -> None:
    """Run the program. What it writes stays in `out`; without `exist_ok` a second run would go to another folder."""
    subprocess.run(["yolo", *words, f"project={out}", "exist_ok=True"], check=True)


# Without nbs gradients of 64 pictures are gathered for one update, and a small set makes few of them.
yolo("detect", "train", f"data={said.train}/data.yaml", f"model={said.model}", f"epochs={said.epochs}", f"imgsz={said.imgsz}",
     f"batch={said.batch}", f"nbs={said.batch}", f"seed={said.seed}", "name=training", "val=False", "plots=False", "workers=0",
     "pretrained=False")  # fmt: skip
# Average precision needs the boxes of low score, too: the program's own threshold for predictions is 0.25.
yolo("detect", "predict", f"model={out}/training/weights/last.pt", f"source={said.test}", f"imgsz={said.imgsz}",
     "name=found", "conf=0.001", "save=False", "save_txt=True", "save_conf=True")  # fmt: skip

predictions = []
for picture in sorted(Path(said.test).glob("*.png")):
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])  # of the PNG's header
    labels = out / "found/labels" / f"{picture.stem}.txt"
    lines = labels.read_text().splitlines() if labels.exists() else []
    for number, x, y, w, h, score in ([float(value) for value in line.split()] for line in lines):
        box = [(x - w / 2) * width, (y - h / 2) * height, w * width, h * height]
        predictions.append({"image_id": picture.name, "category_id": int(number), "bbox": box, "score": score})
    if not lines:
        predictions.append({"image_id": picture.name})  # looked at, nothing found
(out / "predictions.json").write_text(json.dumps(predictions))
