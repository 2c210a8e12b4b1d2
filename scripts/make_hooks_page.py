"""Write docs/plugins/hooks.md from the docstrings of the hooks and of the checks that the conformance kit makes.

python scripts/make_hooks_page.py            writes the page
python scripts/make_hooks_page.py --check    only says, by its exit code, whether the page is up to date
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from importlib import import_module
from pathlib import Path
from types import ModuleType

from gantool import hookspecs
from gantool.kinds import KINDS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "plugins" / "hooks.md"

HEAD = """\
# Hooks

<!-- Written by scripts/make_hooks_page.py from gantool/hookspecs.py and gantool/testing: change those. -->

{module}

The records that hooks yield, and the protocols of what their factories return, are in the [reference](../reference.md).
"""


def page() -> str:
    """Return the text of the page."""
    parts = [HEAD.format(module=inspect.getdoc(hookspecs) or "")]
    checks = {kind.hook: kind.checks for kind in KINDS.values()} | {"gantool_log": ""}
    for name, module in checks.items():
        text, _, example = (inspect.getdoc(getattr(hookspecs, name)) or "").partition("Example::")
        parts.append(f"## `{name}`\n\n{text.strip()}\n\n```python\n{textwrap.dedent(example).strip()}\n```\n")
        if module:
            parts.append(f"The conformance kit checks:\n\n{_rules(import_module(f'gantool.testing.{module}'))}\n")
    return "\n".join(parts)


def _rules(checks: ModuleType) -> str:
    lines = []
    for check in checks.CHECKS:
        rule = (inspect.getdoc(check) or "").splitlines()[0]
        lines.append(f"- `{check.__name__.removeprefix('check_').replace('_', '-')}`: {rule}")
    return "\n".join(lines)


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv[1:]:
        current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()
        if not current:
            print(f"{PAGE} is out of date: run python scripts/make_hooks_page.py", file=sys.stderr)
        return 0 if current else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
