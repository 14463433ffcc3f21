"""Where two trees of plain data differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def differing(before: object, now: object, place: str = "") -> Iterator[tuple[str, object, object]]:
    """Each dotted place at which the second is not as the first, with what is there in both (``None``: nothing)."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in {**before, **now}:
            yield from differing(before.get(key), now.get(key), f"{place}.{key}" if place else str(key))
    elif before != now:
        yield place, before, now
