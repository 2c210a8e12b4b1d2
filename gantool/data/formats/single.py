"""One image file by itself: refined, never trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...errors import GantoolError
from ..decoding import probe
from ..images import Form, Images
from ..locations import Location
from .base import Container, Item, Rewriter, StorageFormat, Target, encoded_item


class SingleRewriter(Rewriter):
    """Writes the one image."""

    def __init__(self, place: Path, target: Target) -> None:
        self._place, self._target = place, target

    def items(self) -> Iterator[Item]:
        """Yield it."""
        yield encoded_item(0, str(self._place), self._place.read_bytes(), self._place.name)

    def put(self, item: Item, stored: bytes) -> None:
        """Write the bytes of the refined file."""
        del item
        self._target.temporary.write_bytes(stored)


class SingleContainer(Container):
    """An image file that is refined."""

    gapless = counted = True

    def count(self) -> int:
        """Return 1. Raises `GantoolError` for a file that is no image."""
        return len(list(self.forms()))

    def forms(self) -> Iterator[Form]:
        """Yield its form. Raises as `count`."""
        yield probe(Path(self.place))

    @contextmanager
    def rewrite(self, target: Target) -> Iterator[SingleRewriter]:
        """Keep its format. Raises `GantoolError` where the target is named as another one."""
        here = Path(self.place)
        if target.path.suffix.lower() != here.suffix.lower():
            raise GantoolError(f"--output {target.path}: a refined image stays what it is; name it {here.suffix}")
        yield SingleRewriter(here, target)


class Single(StorageFormat):
    """One image file. Of a folder of them, see `folder`."""

    unchecked = "one image has no annotations"

    def recognises(self, place: Location) -> bool:
        """Return whether the place is one image file of this machine."""
        return not place.is_remote and place.named(self.record.suffixes)

    def open(self, place: Location) -> Images:
        raise GantoolError(f"{place} is one image: give the folder that it is in")

    def containers(self, place: Location) -> Sequence[Container]:
        return [SingleContainer(place.text, place.path.name)]
