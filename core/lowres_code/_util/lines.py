"""Lines of a stream that comes in parts."""

from __future__ import annotations


class Lines:
    """Puts parts together to lines; each byte is looked at once.

    Attributes:
        size: bytes of the line that has not ended yet.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def feed(self, part: bytes) -> list[bytes]:
        """The lines that have ended with this part, without their ends."""
        first, *others = part.split(b"\n")
        self._parts.append(first)
        self.size += len(first)
        if not others:
            return []
        whole = [b"".join(self._parts), *others[:-1]]
        self._parts, self.size = [others[-1]], len(others[-1])
        return whole

    def rest(self) -> bytes:
        """What has not ended with a line's end."""
        return b"".join(self._parts)
