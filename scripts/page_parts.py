"""Parts of a page that a program writes, between two comments that name it."""

from __future__ import annotations


def replace_part(page: str, name: str, text: str) -> str:
    """Return `page` with `text` between `<!-- name: begin -->` and `<!-- name: end -->`.

    Raises `ValueError` where they are not there, once each and in this order.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise ValueError(f"no place for {name}: it needs one {begin} and one {end} behind it")
    head, _, rest = page.partition(begin)
    return f"{head}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}"
