"""Write docs/plugins/hooks.md from the docstrings of the hooks and of the checks that the conformance kit makes.

python scripts/make_hooks_page.py            writes the page
python scripts/make_hooks_page.py --check    only says, by its exit code, whether the page is up to date
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from pathlib import Path

from gantool import hookspecs
from gantool.kinds import KINDS
from gantool.testing.conformance import checks_of, words

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
    kinds = {kind.hook: kind.name for kind in KINDS.values()}
    for name in (*kinds, "gantool_log"):
        text, _, example = (inspect.getdoc(getattr(hookspecs, name)) or "").partition("Example::")
        parts.append(f"## `{name}`\n\n{text.strip()}\n\n```python\n{textwrap.dedent(example).strip()}\n```\n")
        if name in kinds:
            rules = [f"- `{words(check)}`: {(inspect.getdoc(check) or '').splitlines()[0]}" for check in checks_of(kinds[name])]
            parts.append("The conformance kit checks:\n\n" + "\n".join(rules) + "\n")
    return "\n".join(parts)


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
