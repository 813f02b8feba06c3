"""The keys of a lab file that set a chip's switch: of the port in [adapter], of a pool in [pf] and [[vm]].

They are called as the datasheets call the registers. The defaults are those of a vSwitch on the PF: the port
admits everything, and what finds no pool is the vSwitch's to look up.
"""

from vmdqemu.config_switch_values import (
    AcceptFlags,
    Bridge,
    FrameLimit,
    Groups,
    HashForm,
    Macs,
    MirrorTo,
    PoolName,
    PoolNames,
    Priority,
    Vids,
    Vlans,
    VmdqBy,
)
from vmdqemu.config_values import Flag, OptionalFlag, Table
from vmdqemu.nic.pools import EVERY_GROUP, NOTHING, Accept, PoolSettings

UNTAGGED_AND_GROUPS = EVERY_GROUP | Accept.AUPE


class SwitchKeys(Table):
    """The port: what it admits, and how its frames find a pool.

    `bridge`: what VMs send is the adapter's to switch, not the vSwitch's; `local_switch`: it may stay inside.
    """

    vmdq_by: VmdqBy = "mac"
    bridge: Bridge = None
    local_switch: OptionalFlag = None
    replication: OptionalFlag = None
    default_pool: PoolName = "0"
    default_pool_disabled: Flag = False
    port_upe: Flag = True
    port_mpe: Flag = True
    port_bam: Flag = True
    vlan_filtering: Flag = True
    vfta: Vids = None
    uta: Macs = ()
    mta: Groups = ()
    hash_form: HashForm = 0

    @property
    def bridged(self) -> bool:
        """Whether VMs' frames are the adapter's to switch."""
        return self.bridge is not None or self.local_switch is True

    @property
    def loopback(self) -> bool:
        """Whether they may stay inside: a VEB's may, a VEPA's may not."""
        return self.bridge != "vepa" if self.local_switch is None else self.local_switch


class PoolKeys(Table):
    """A pool: what it accepts besides its addresses; `vlans`: whose tags it sends and receives itself."""

    accept: AcceptFlags = None
    vlans: Vlans = ()
    groups: Groups = ()
    receive: Flag = True
    transmit: Flag = True
    own_frames: Flag = False

    @property
    def accepted(self) -> Accept:
        """The flags that the file names."""
        flags = NOTHING
        for name in self.accept or ():
            flags |= Accept[name]
        return flags


class PfConfig(PoolKeys):
    """The PF's own pool, which the vSwitch serves."""

    name: PoolName = "default"
    macs: Macs = ()

    @property
    def settings(self) -> PoolSettings:
        """What is asked of it."""
        accepted = UNTAGGED_AND_GROUPS if self.accept is None else self.accepted
        return PoolSettings(accepted, self.receive, own_frames=self.own_frames)


class VmPoolKeys(PoolKeys):
    """A VM's pool; `extra_macs`: addresses that are not its interface's but come to it."""

    extra_macs: Macs = ()
    longest_frame: FrameLimit = None
    strip_vlan: Flag = False
    untagged_only: Flag = False
    vlan_priority: Priority = 0
    vlan_spoof_check: Flag = True

    @property
    def untagged(self) -> bool:
        """Whether it accepts frames without a VLAN, if it has no port VLAN."""
        return not self.vlans if self.accept is None else Accept.AUPE in self.accepted

    @property
    def settings(self) -> PoolSettings:
        """What is asked of it. Its VLANs, and whether it takes untagged frames, are its filters' to say."""
        return PoolSettings(
            accept=EVERY_GROUP if self.accept is None else self.accepted & ~Accept.AUPE,
            receive=self.receive,
            transmit=self.transmit,
            own_frames=self.own_frames,
            longest=self.longest_frame,
            strip=self.strip_vlan,
            untagged_only=self.untagged_only,
            priority=self.vlan_priority,
            vlan_check=self.vlan_spoof_check,
        )


class MirrorConfig(Table):
    """A mirror rule: the frames of `pools`, of `vlans`, from the wire or to the wire, for `to` as well."""

    kind: MirrorTo
    to: PoolName
    pools: PoolNames = ()
    vlans: Vlans = ()
