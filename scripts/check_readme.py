"""Run every ```bash and ```python block of a Markdown file, in order, in one temporary folder.

A block after the line `<!-- not run: WHY -->` is left out, one after `<!-- run with: NAME=VALUE -->` gets that variable; one
with `title="FILE"` is written to that file. Training is cut short through the environment, which is weaker than what a command
says itself, so commands are run exactly as they are printed; variables that are set already stay as they are.

    python scripts/check_readme.py README.md
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(
    r"(?P<skip><!-- not run: [^\n]+ -->\n)?"
    r"(?:<!-- run with: (?P<variable>\w+)=(?P<value>[^\n]+) -->\n)?"
    r"""^```(?P<language>bash|python)(?: title="(?P<file>[^"]+)")?\n(?P<code>.*?)^```$""",
    re.M | re.S,
)
COMMANDS = {"bash": ["bash", "-eu", "-o", "pipefail", "-c"], "python": [sys.executable, "-W", "error", "-c"]}
SHORT = {
    "GANTOOL_TRAIN_STEPS": "2",
    "GANTOOL_TRAIN_BATCH_SIZE": "4",
    "GANTOOL_TRAIN_OPTION": "recipe.refiner_warmup=2 recipe.discriminator_warmup=2",
    "NO_ALBUMENTATIONS_UPDATE": "1",
}


def main() -> int:
    """Run the blocks; return 1 at the first that fails."""
    file = Path(sys.argv[1])
    blocks = [match for match in BLOCK.finditer(file.read_text()) if not match["skip"]]
    if not blocks:
        print(f"{file} has no block to run", file=sys.stderr)
        return 1
    # The commands of this environment come first, as they would in one that a user has activated.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**SHORT, **os.environ, "PATH": path}
    with tempfile.TemporaryDirectory() as folder:
        for block in blocks:
            command = COMMANDS[block["language"]]
            print(f"--- {file} ({block['language']})\n{block['code']}", flush=True)
            if block["file"]:
                target = Path(folder, block["file"])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(block["code"])
                continue
            own = {block["variable"]: block["value"]} if block["variable"] else {}
            if subprocess.run([*command, block["code"]], cwd=folder, env=environment | own).returncode:
                print(f"this block of {file} failed", file=sys.stderr)
                return 1
    print(f"{len(blocks)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
