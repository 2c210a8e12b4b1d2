"""What a person should know of sizes before images are refined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..data.images import Form
from .treatment import Treatment


def size_notices(treatment: Treatment, forms: Iterable[Form], *, labels: int) -> list[str]:
    """Return lines to show: where the network works at another size than is written, and where labels no longer fit.

    `labels`: how many label files or arrays come along.
    """
    forms = list(forms)
    if treatment.output_size is not None:
        resized = any((form.height, form.width) != treatment.output_size for form in forms)
        if resized and labels:
            size = "x".join(map(str, treatment.output_size))
            return [f"images are written at {size}, so labels in pixels no longer fit; they are copied as they are"]
        return []
    other = Counter(form.size for form in forms if len(set(treatment.sizes(form))) > 1)
    if not other:
        return []
    trained = "x".join(map(str, treatment.compute_size or ()))
    (size, _), count = other.most_common(1)[0], other.total()
    sizes = size if len(other) == 1 else f"{size} and {len(other) - 1} other size{'s' if len(other) > 2 else ''}"
    return [
        f"{count} image{' is' if count == 1 else 's are'} {sizes}, the run was trained at {trained}: the change is computed at "
        f"{trained} and scaled to the image; --size run writes {trained} images instead"
    ]
