"""The lab file: TOML in; frozen, fully checked values out, or every problem at once, each with its path.

Theory of operation. The models check each key for itself; `config_conflicts` then checks what the tables say
against each other. It runs on the tables that are sound, so that a slip in `vm[0]` does not hide that `vm[1]`
and `vm[2]` share a MAC address. Code that holds a `LabConfig` trusts it and checks nothing again.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from vmdqemu.config_changes import set_keys
from vmdqemu.config_conflicts import conflicts
from vmdqemu.config_host import BalancerConfig, HostConfig, ProcessorSetConfig
from vmdqemu.config_problems import Problem, from_validation, in_file_order
from vmdqemu.config_switch import MirrorConfig, PfConfig, SwitchKeys, VmPoolKeys
from vmdqemu.config_values import (
    MOST_VMS,
    Arbiter,
    Flag,
    Keywords,
    LabName,
    Lookahead,
    MachineName,
    Mode,
    Model,
    Moderation,
    Mtu,
    Prefix,
    Queues,
    Rate,
    Ring,
    RssKey,
    RssTableSize,
    RssTypes,
    RxQueues,
    Sorter,
    Table,
    UdpPort,
    Vfs,
    VmqWeight,
    Weight,
    derive_mac,
)
from vmdqemu.config_wire import OutsideConfig, PortConfig, WireConfig
from vmdqemu.errors import LabFileError
from vmdqemu.host import keywords, releases
from vmdqemu.host.queues import MOST_WEIGHT
from vmdqemu.nic.frame import HEADER_OCTETS
from vmdqemu.nic.modes import Mode as AdapterMode
from vmdqemu.nic.tunnel import VXLAN_PORT

EXT = "ext"  # the far end of the wire: the outside host, or the switch that several hosts hang on


class AdapterConfig(SwitchKeys):
    """The emulated adapter; `ring`: descriptors of each receive queue; `vxlan_port`: of inner headers.

    `nic_switch`: a VM's queues are those of a VPort; without, it has a VM queue (before Windows Server 2016).
    `rx_queues`: no more than so many, if the model has more.
    `any_vlan`: a VM queue's filter may test the address alone (Get-NetAdapterVmq: AnyVlanSupported).
    `vfs`: that the switch has; unless given, as many as VMs want one.
    """

    model: Model = "ideal"
    mode: Mode = "off"
    offloads: Flag = True
    ring: Ring = 4096
    rx_queues: RxQueues = None
    arbiter: Arbiter = None
    sorter: Sorter = "kernel"
    vxlan_port: UdpPort = VXLAN_PORT
    shared_memory: Flag = True
    lookahead: Lookahead = HEADER_OCTETS
    moderation: Moderation = "off"
    nic_switch: Flag = True
    any_vlan: Flag = False
    vfs: Vfs = None


class VmConfig(PortConfig, VmPoolKeys):
    """A VM: `vlan` is its port VLAN, `queues` its channels, `rate` its transmit limit in Mbit/s if any.

    `strict`: its frames leave before those of VMs that are not. `rss_...` is how frames are spread over
    several channels, and over as many RX queues in mode vmmq. With a `vmq_weight` of 0 the default queue
    serves it; with `vrss` the host spreads its one queue over all channels; with `iov` it gets a VF.
    """

    name: MachineName
    queues: Queues = 1
    weight: Weight = 1
    rate: Rate = None
    strict: Flag = False
    spoof_check: Flag = True
    iov: Flag = False
    rss_key: RssKey = None
    rss_types: RssTypes = None
    rss_table_size: RssTableSize = None
    vmq_weight: VmqWeight = MOST_WEIGHT
    vrss: Flag = False


VmTables = Annotated[
    tuple[VmConfig, ...],
    Field(
        alias="vm",
        strict=False,
        min_length=1,
        max_length=MOST_VMS,
        description=f"1 to {MOST_VMS} [[vm]] tables, one for each VM",
    ),
]


class LabConfig(Table):
    """A lab: one adapter, its VMs, and the wire to the outside hosts if there is one."""

    name: LabName = ""  # `parse` fills it
    prefix: Prefix = ""
    mtu: Mtu = 1500
    adapter: AdapterConfig = Field(default=AdapterConfig(), description="an [adapter] table")
    host: HostConfig = Field(default=HostConfig(), description="a [host] table")
    wire: WireConfig | None = Field(default=None, description="a [wire] table")
    keywords: Keywords = Field(default={}, description='a [keywords] table, such as "*VMQ" = 1')
    pf: PfConfig = Field(default=PfConfig(), description="a [pf] table")
    mirrors: tuple[MirrorConfig, ...] = Field(
        default=(), alias="mirror", strict=False, description="[[mirror]] tables, one for each rule"
    )
    vms: VmTables

    def refusal(self, mode: AdapterMode) -> str | None:
        """Why keywords or the release have no such mode on this wire, with the cure; None if they have."""
        host = self.host
        if self.keywords and (reason := keywords.refusal(self.keywords, mode)):
            return reason
        if host.release is None:
            return None
        return releases.refusal(releases.RELEASES[host.release], mode, host.vmq_policy, self.rate)

    @property
    def rate(self) -> float | None:
        """The wire's, in Mbit/s; None: no limit."""
        return self.wire.rate if self.wire else None

    @property
    def allows_vmq(self) -> bool:
        """Whether the host gives VMs queues of their own on this wire."""
        return self.host.vmq_policy.allows(self.rate)

    @property
    def nic_namespace(self) -> str:
        """The adapter's namespace: it holds `wire` and `pf0`."""
        return f"{self.name}-nic"

    @property
    def ext_namespace(self) -> str:
        """The namespace at the far end of the wire."""
        return self.prefix + EXT

    @property
    def outside(self) -> tuple[OutsideConfig, ...]:
        """Every host that the lab has on the wire; one that [wire] itself describes is called EXT."""
        wire = self.wire
        if wire is None or wire.leads_away:
            return ()
        if wire.hosts:
            return wire.hosts
        only = OutsideConfig.model_construct(name=EXT, mac=wire.mac, addresses=wire.addresses, vlan=wire.vlan)
        return (only,)

    @property
    def machines(self) -> tuple[VmConfig | OutsideConfig, ...]:
        """Every VM and every outside host: each has a name of its own and a namespace."""
        return (*self.vms, *self.outside)

    def namespace(self, machine: VmConfig | OutsideConfig) -> str:
        """The namespace of a VM or an outside host."""
        return self.prefix + machine.name


Port = TypeVar("Port", bound=PortConfig)

TABLES: dict[str, type[BaseModel]] = {
    "": LabConfig,
    "adapter": AdapterConfig,
    "host": HostConfig,
    "host.processor_set": ProcessorSetConfig,
    "host.balancer": BalancerConfig,
    "wire": WireConfig,
    "wire.host": OutsideConfig,
    "pf": PfConfig,
    "mirror": MirrorConfig,
    "vm": VmConfig,
}


def load(path: Path, changes: Iterable[str] = ()) -> LabConfig:
    """Read a lab file; without a `name` key the lab is called after the file.

    changes: keys to read as if the file said so (`config_changes`). Raises LabFileError, each problem with
    the file's name, and UsageError for a change that names no key.
    """
    try:
        return parse(read_text(path), path.stem, changes)
    except LabFileError as error:
        raise error.of(path) from None


def parse(text: str, name: str, changes: Iterable[str] = ()) -> LabConfig:
    """Check a lab file's text; `name` is the lab's unless the text has a `name` key. Raises LabFileError."""
    document = read_toml(text)
    set_keys(document, changes, TABLES)
    document.setdefault("name", name)
    lab, problems = _check(document)
    sound, numbers = _sound_part(document, problems)
    if sound_lab := lab or _check(sound)[0]:
        places = [("vm", number) for number in numbers]
        problems += conflicts(sound_lab, dict(zip(places, sound_lab.vms, strict=True)))
    if lab is None or problems:
        raise LabFileError(in_file_order(problems, document))
    return lab


def read_text(path: Path) -> str:
    """A lab file's text. Raises LabFileError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise LabFileError([f"{error.strerror}; give the path of a readable lab file"]) from None
    except UnicodeDecodeError as error:
        raise LabFileError([f"octet {error.start} is not UTF-8; save the file as UTF-8"]) from None


def read_toml(text: str) -> dict[str, Any]:
    """A text's tables. Raises LabFileError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LabFileError([f"not TOML: {error}"]) from None
    except (ValueError, RecursionError):  # an integer of 5000 digits, a thousand nested lists
        raise LabFileError(["not TOML: a number is too long or a list too deep; shorten it"]) from None


def _check(document: dict[str, Any]) -> tuple[LabConfig | None, list[Problem]]:
    """Check each key for itself: a lab and no problems, or problems and no lab."""
    try:
        return _with_release(_with_macs(LabConfig.model_validate(document))), []
    except ValidationError as error:
        return None, from_validation(error, TABLES)


def _with_macs(lab: LabConfig) -> LabConfig:
    vms = tuple(with_mac(vm, lab.name, vm.name) for vm in lab.vms)
    wire = lab.wire
    if wire is not None:
        hosts = tuple(with_mac(host, lab.name, host.name) for host in wire.hosts)
        alone = not hosts and not wire.leads_away
        wire = with_mac(wire, lab.name, EXT) if alone else wire.model_copy(update={"hosts": hosts})
    return lab.model_copy(update={"vms": vms, "wire": wire})


def _with_release(lab: LabConfig) -> LabConfig:
    """What the host's release makes of the adapter and of its queues, where the file does not say."""
    host, adapter = lab.host, lab.adapter
    if host.release is None:
        return lab
    release = releases.RELEASES[host.release]
    if "mode" not in adapter.model_fields_set:
        mode = releases.preset(release, host.vmq_policy, lab.rate)
        adapter = adapter.model_copy(update={"mode": mode.name})
    if "placement" not in host.model_fields_set and adapter.sorter == "kernel" and host.may_be_dynamic:
        host = host.model_copy(update={"placement": release.policy.value})
    return lab.model_copy(update={"adapter": adapter, "host": host})


def with_mac(port: Port, lab: str, name: str) -> Port:
    """A port that has a MAC address: its own, or one derived from the names."""
    return port if port.mac else port.model_copy(update={"mac": derive_mac(lab, name)})


def _sound_part(document: dict[str, Any], problems: list[Problem]) -> tuple[dict[str, Any], list[int]]:
    """The document without its broken VMs, tables and keys, and the numbers of the VMs that are left."""
    broken = {problem.location[: 2 if problem.location[0] == "vm" else 1] for problem in problems}
    sound = {key: value for key, value in document.items() if (key,) not in broken}
    vms = sound.get("vm", [])
    numbers = [number for number in range(len(vms)) if ("vm", number) not in broken]
    return sound | {"vm": [vms[number] for number in numbers]}, numbers
