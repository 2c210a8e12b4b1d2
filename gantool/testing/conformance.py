"""All checks of a plugin as one parametrised pytest test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from .cases import Case, collect
from .subject import Fault, OptionValues


def conformance(
    plugin: str,
    *,
    options: Mapping[str, OptionValues] | None = None,
    channels: tuple[int, ...] = (3, 1),
    size: tuple[int, int] = (32, 40),
    batch_size: int = 2,
) -> Callable[..., None]:
    """Return a pytest test that checks everything which an installed plugin yields against the contracts of the hooks.

        test_conformance = gantool.testing.conformance("my-plugin")

    Args:
        plugin: Its name, that of its entry point.
        options: Options by component, `{"unet": {"width": 4}}`, to keep large networks quick; a recipe that uses the component
            gets them too. A component of another plugin is written `"other:name"`; where two kinds share a name, `"loss/name"`.
            In place of a mapping, a function that is given an empty folder, writes the data that the component needs, and
            returns the options that name it. A recipe whose data set is given options is checked with that data set,
            else with random images.
        channels: Channels to check networks with; a network may refuse some of them (`ValueError`), not all. The first is
            that of images for losses, metrics and recipes.
        size: (H, W) in pixels of the images to check with, at least 8×8; larger ones of odd sizes are tried, too.
        batch_size: Images of each domain in one step of a recipe.

    Raises `GantoolError` for options of something that the plugin neither provides nor uses, and for images that there cannot be.
    """
    import pytest

    cases = collect(plugin, options=options, channels=channels, size=size, batch_size=batch_size)

    @pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases])
    def test_conformance(case: Case, tmp_path: Path) -> None:
        """Check one rule."""
        __tracebackhide__ = True
        try:
            case.run(tmp_path)
        except Fault as fault:
            if fault.__cause__ is not None:  # the author needs the traceback of what the plugin raised
                raise
            pytest.fail(str(fault), pytrace=False)

    return test_conformance
