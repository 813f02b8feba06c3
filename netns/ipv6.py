"""IPv6 in the calling thread's namespace: off, or on without a word that nobody asked for.

A lab that counts every frame cannot have the kernel send its own. /proc/sys/net shows the namespace of the
task that reads it, so both functions act where `namespace.entered` has put the thread.
Source: Linux Documentation/networking/ip-sysctl.rst, "/proc/sys/net/ipv6/*".
"""

from pathlib import Path

from netns.errors import NetnsError

CONF = Path("/proc/sys/net/ipv6/conf")

QUIET = {
    "accept_ra": "0",  # believe no router ...
    "router_solicitations": "0",  # ... and ask for none
    "autoconf": "0",  # no address from a prefix
    "addr_gen_mode": "1",  # none: no link-local address, so no report and no solicitation for it
    "accept_dad": "0",  # an address is usable at once ...
    "dad_transmits": "0",  # ... and no probe is sent for it
}


def disable() -> None:
    """Turn IPv6 off. A kernel without IPv6 is as good."""
    if CONF.exists():
        _write({"disable_ipv6": "1"})


def quiet() -> None:
    """Leave IPv6 usable with static addresses only.

    What remains is what an address brings with it: MLD reports for its solicited-node group (RFC 4861 7.2.1).

    Raises NetnsError on a kernel without IPv6.
    """
    if not CONF.exists():
        raise NetnsError("this kernel has no IPv6: leave it off in the lab, or boot without ipv6.disable=1")
    _write(QUIET)


def _write(settings: dict[str, str]) -> None:
    # "default" is what later links start with, "all" reaches those that exist; accept_dad must be 0 in both.
    for scope in ("all", "default"):
        for name, value in settings.items():
            (CONF / scope / name).write_text(value)
