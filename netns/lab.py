"""Undo beside do: a lab is what was made, and in reverse order how it is unmade.

Every method makes one thing and on the next line registers its undo. If a step fails, leaving the `with`
block undoes the steps before it. Ctrl-C waits until both lines are done, and until an undo is complete.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self

from netns import lending, links, namespace
from netns.loan import Loan
from netns.signals import uninterrupted


class Lab:
    """Namespaces and links that go when the `with` block ends, on Ctrl-C too.

        with Lab() as lab:
            lab.namespace("vm1")
            lab.namespace("ext")
            lab.veth("vm1", "eth0", "ext", "wire0", mtu=1500)

    Errors are those of `namespace` and `links`.
    """

    def __init__(self) -> None:
        self._undo = ExitStack()
        self._failures: list[Exception] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @uninterrupted()
    def namespace(self, name: str, *, ipv6: bool = False) -> None:
        """`namespace.create`; undone with whatever still runs inside."""
        namespace.create(name, ipv6=ipv6)
        self.push(namespace.remove, name)
        self.push(namespace.end_processes, name)

    @uninterrupted()
    def veth(
        self,
        ns_a: str,
        name_a: str,
        ns_b: str,
        name_b: str,
        *,
        mtu: int,
        mac_a: str | None = None,
        mac_b: str | None = None,
        queues: int = 1,
    ) -> None:
        """`links.veth`."""
        links.veth(ns_a, name_a, ns_b, name_b, mtu=mtu, mac_a=mac_a, mac_b=mac_b, queues=queues)
        self.push(links.remove, ns_a, name_a)

    @uninterrupted()
    def bridge(self, ns: str, name: str, members: Sequence[str]) -> None:
        """`links.bridge`."""
        links.bridge(ns, name, members)
        self.push(links.remove, ns, name)

    @uninterrupted()
    def borrow(self, loan: Loan) -> None:
        """`lending.take`."""
        lending.take(loan)
        self.push(lending.give_back, loan)

    def push(self, undo: Callable[..., object], *args: object) -> None:
        """Register the undo of what was just done."""
        self._undo.callback(self._attempt, undo, *args)

    def let_go(self) -> None:
        """Forget everything: somebody else undoes it."""
        self._undo.pop_all()

    def close(self) -> None:
        """Undo everything, last first, past every failure; a second call finds nothing to do.

        Raises ExceptionGroup with all the failures, each with the undo that failed as its note.
        """
        try:
            self._undo.close()
        finally:
            failures, self._failures = self._failures, []
            if failures:
                raise ExceptionGroup("the lab was not undone completely", failures)

    @uninterrupted()
    def _attempt(self, undo: Callable[..., object], *args: object) -> None:
        try:
            undo(*args)
        except Exception as failure:
            failure.add_note(f"undo: {getattr(undo, '__qualname__', undo)}{args}")
            self._failures.append(failure)


CLOSERS = 16  # threads


class Parts:
    """Parts of a lab that come and go on their own, each by a name; what is left goes with the lab."""

    def __init__(self, whole: Lab) -> None:
        self._parts: dict[str, Lab] = {}
        whole.push(self.close)

    def add(self, name: str) -> Lab:
        """A new part: whatever is made in it is undone with it."""
        part = self._parts[name] = Lab()
        return part

    def remove(self, name: str) -> None:
        """Undo one part; nothing to do if no part has that name. Raises what `Lab.close` raises."""
        try:
            if name in self._parts:
                self._parts[name].close()
        finally:
            self._parts.pop(name, None)

    def __getitem__(self, name: str) -> Lab:
        return self._parts[name]

    def let_go(self, name: str) -> None:
        """Forget one part: somebody else undoes what is in it."""
        self._parts.pop(name).let_go()

    def close(self) -> None:
        """Undo every part, past every failure. Raises ExceptionGroup with those of all of them.

        All at once: the kernel lets each closed device and namespace wait, whoever else waits meanwhile.
        """
        with ThreadPoolExecutor(CLOSERS) as pool:
            undone = [pool.submit(self.remove, name) for name in tuple(self._parts)]
        if failures := [failure for part in undone if isinstance(failure := part.exception(), Exception)]:
            raise ExceptionGroup("the lab was not undone completely", failures)
