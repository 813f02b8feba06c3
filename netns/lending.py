"""A link of the machine's own, lent to a lab: taken into a namespace of the lab, and given back as it was.

It is moved, not used where it is: at home the machine's own network stack, and what manages that, would go on
sending by it and giving it addresses. How it was, and where, is a value that can be written down before it is
taken: when the borrower is killed, somebody else gives it back. The kernel would give a NIC back by itself
when the namespace goes, but as it is then; a veth would go with the namespace.
"""

import re
from collections.abc import Mapping

from netns import links, namespace, processes
from netns.errors import NetnsError
from netns.loan import Loan

_FEATURE = re.compile(r"^\s*([\w-]+): (on|off)$", re.MULTILINE)  # one that is [fixed] cannot be changed


class InUse(NetnsError):
    """The link serves the machine itself: it cannot be lent."""


def ask(home: str, ifname: str, to: str, features: Mapping[str, bool]) -> Loan:
    """Look at a link of the namespace `home` before anything is done. features: what the borrower wants.

    Raises InUse, NamespaceMissing, and NetnsError if there is no such link.
    """
    try:
        link = links.look(home, ifname)
    except links.LinkMissing:
        raise NetnsError(f"no interface {ifname!r} here: `ip link` lists those there are") from None
    if obstacle := _obstacle(ifname, link):
        raise InUse(obstacle)
    had = _features(home, ifname)
    changed = {name: had[name] for name in features if had.get(name, features[name]) != features[name]}
    return Loan(ifname, to, namespace.identity(home), link.up, link.mtu, changed)


def take(loan: Loan) -> None:
    """Move the link to its borrower, still down. Raises LinkError."""
    home = namespace.find(loan.home)
    if home is None:
        raise NetnsError(f"the namespace of {loan.ifname} is gone")
    links.move(home, loan.ifname, loan.to)
    try:
        _set_features(loan.to, loan.ifname, {name: not value for name, value in loan.features.items()})
    except BaseException:
        give_back(loan)
        raise


def give_back(loan: Loan) -> None:
    """Set the link as it was and move it home; nothing to do if the borrower has it no more.

    Raises NetnsError if its home has no name that leads there from here.
    """
    if not namespace.exists(loan.to) or not _has(loan.to, loan.ifname):
        return
    home = namespace.find(loan.home)
    if home is None:
        if processes.inside(loan.home):
            raise NetnsError(f"{loan.ifname} came from another namespace: do this there")
        return  # it is gone; the kernel knows where a link without a home goes
    _set_features(loan.to, loan.ifname, loan.features)
    links.move(loan.to, loan.ifname, home)
    links.set_mtu(home, loan.ifname, loan.mtu)
    if loan.up:
        links.up(home, loan.ifname)


def _obstacle(ifname: str, link: links.Link) -> str | None:
    """What the link is needed for, and the cure."""
    if link.loopback:
        return f"{ifname} is the machine's loopback: name a NIC"
    if link.master is not None:
        return f"{ifname} is a port of {link.master}: `ip link set {ifname} nomaster` takes it out"
    if link.addresses:
        address = link.addresses[0]
        cure = f"`ip address del {address} dev {ifname}`, or use another interface"
        return f"{ifname} has the address {address}, which nobody would reach any more: {cure}"
    return None


def _has(ns: str, ifname: str) -> bool:
    try:
        links.index(ns, ifname)
    except links.LinkMissing:
        return False
    return True


def _features(ns: str, ifname: str) -> dict[str, bool]:
    """Those that can be changed."""
    said = namespace.run(ns, ["ethtool", "-k", ifname]).stdout
    return {name: value == "on" for name, value in _FEATURE.findall(said)}


def _set_features(ns: str, ifname: str, features: Mapping[str, bool]) -> None:
    if features:
        words = [word for name, value in features.items() for word in (name, "on" if value else "off")]
        namespace.run(ns, ["ethtool", "-K", ifname, *words])
