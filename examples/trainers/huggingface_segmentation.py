"""A segmenter with the Trainer of Hugging Face as the trainer of `gantool evaluate`: a small SegFormer, from scratch.

    gantool evaluate RUN --real-labelled DIR --trainer-format masks \\
        --trainer 'python examples/trainers/huggingface_segmentation.py {train} {test} {seed} {out} --updates 2000'

Needs `pip install torch transformers accelerate pillow`. The budget is a number of updates, so it is equal for all arms.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import SegformerConfig, SegformerForSemanticSegmentation, Trainer, TrainingArguments, set_seed

parser = argparse.ArgumentParser()
for name in ("train", "test", "seed", "out"):
    parser.add_argument(name)
parser.add_argument("--updates", type=int, default=2000)
said = parser.parse_args()
train, test, out = Path(said.train), Path(said.test), Path(said.out)
set_seed(int(said.seed))


def read(path: Path) -> torch.Tensor:
    """(3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1) / 127.5 - 1


class Pictures(torch.utils.data.Dataset):
    """Pictures with their masks, in which 255 stands for no class: SegFormer leaves that out by itself."""

    def __init__(self) -> None:
        self.names = sorted(path.name for path in (train / "images").iterdir())

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        mask = torch.from_numpy(np.array(Image.open(train / "masks" / self.names[number])))
        return {"pixel_values": read(train / "images" / self.names[number]), "labels": mask.long()}


classes = json.loads((train / "classes.json").read_text())
sizes = {"hidden_sizes": [32, 64, 96, 128], "depths": [1, 1, 2, 1], "decoder_hidden_size": 96}
model = SegformerForSemanticSegmentation(SegformerConfig(num_labels=len(classes), semantic_loss_ignore_index=255, **sizes))
arguments = TrainingArguments(str(out / "training"), max_steps=said.updates, per_device_train_batch_size=8,
    learning_rate=1e-3, warmup_steps=said.updates // 10, lr_scheduler_type="cosine", save_strategy="no", report_to=[],
    seed=int(said.seed))  # fmt: skip
Trainer(model=model, args=arguments, train_dataset=Pictures()).train()

model.eval()
(out / "masks").mkdir()
for path in sorted(test.glob("*.png")):
    picture = read(path)[None].to(model.device)
    with torch.inference_mode():  # logits are a quarter of the size
        logits = torch.nn.functional.interpolate(model(pixel_values=picture).logits, picture.shape[2:], mode="bilinear")
    Image.fromarray(logits.argmax(1)[0].to(torch.uint8).cpu().numpy()).save(out / "masks" / path.name)
