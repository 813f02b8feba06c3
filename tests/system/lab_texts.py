"""The lab file that most tests of RX queues begin with."""

from typing import Final

_TWO_VMS: Final = """
[adapter]
mode = "{mode}"
{adapter}
[host]
processors = {processors}
[wire]
address = "10.0.0.254/24"
[[vm]]
name = "vm1"
address = "10.0.0.1/24"
[[vm]]
name = "vm2"
address = "10.0.0.2/24"
{vm2}
"""


def two_vms(mode: str = "vmq", *, adapter: str = "", processors: int = 2, vm2: str = "") -> str:
    """Two VMs behind a wire. adapter, vm2: more of their keys, a line each."""
    return _TWO_VMS.format(mode=mode, adapter=adapter, processors=processors, vm2=vm2)
