#!/bin/sh
# Does gantool.augment.albumentations work with the fork of albumentations that has the same import name? It is AGPL and no
# dependency of this project: it goes into a venv of its own, which is removed afterwards.
#
#     scripts/check_albumentations_fork.sh [PYTHON]
#
# PYTHON: an interpreter that this project is installed for; its packages, except albumentations, are seen from the venv.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python=${1:-$root/.venv/bin/python}
venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT

"$python" -m venv "$venv"
inner=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$inner/project.pth"
# The venv's own folder comes first on the path, so that the fork hides albumentations.
"$venv/bin/pip" install --quiet --no-deps --target "$inner" albumentationsx albucore numkong
"$venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

print("albumentationsx", version("albumentationsx"), "on Python", sys.version.split()[0])
PY
cd "$venv"
NO_ALBUMENTATIONS_UPDATE=1 PYTHONPATH="$root" "$venv/bin/python" "$root/scripts/check_albumentations_fork.py"
