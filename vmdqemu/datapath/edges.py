"""The rings that a worker reads, as one event: some of them have frames.

A ring speaks once when frames come to it, and again only after it was read empty (epoll's edges). A processor
that rests hears none of them: each would wake it, at its own cost. What spoke meanwhile is heard afterwards.
"""

import select


class Edges:
    """An epoll set within another, which is what the event loop watches. Made before confinement."""

    def __init__(self) -> None:
        self._rings = select.epoll()
        self._heard = select.epoll()
        self.listen()

    def fileno(self) -> int:
        """Readable while a ring has spoken, unless nobody listens."""
        return self._heard.fileno()

    def register(self, fd: int, events: int) -> None:
        """Take a ring into the set. One that has frames speaks at once."""
        self._rings.register(fd, events)

    def modify(self, fd: int, events: int) -> None:
        """Have a ring speak by other events, now if it has them."""
        self._rings.modify(fd, events)

    def unregister(self, fd: int) -> None:
        """Let a ring go."""
        self._rings.unregister(fd)

    def poll(self) -> list[tuple[int, int]]:
        """Who has spoken, each with its events; nobody has, then."""
        return self._rings.poll(0)

    def listen(self) -> None:
        """Be told from now on, and of what was missed."""
        self._heard.register(self._rings.fileno(), select.EPOLLIN)

    def rest(self) -> None:
        """Be told nothing until `listen`."""
        self._heard.unregister(self._rings.fileno())

    def close(self) -> None:
        """Let all go."""
        self._heard.close()
        self._rings.close()
