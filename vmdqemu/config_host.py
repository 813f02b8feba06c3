"""The lab file's [host] table: the management OS, its processors, and who places queues on them."""

from dataclasses import fields
from functools import cached_property

from pydantic import Field

from vmdqemu.config_problems import Location, Problem
from vmdqemu.config_values import (
    LastProcessor,
    Moves,
    Node,
    Nodes,
    PlacementPolicy,
    ProcessorNumber,
    Processors,
    Profile,
    Release,
    Seconds,
    Share,
    Speed,
    Table,
    Threads,
    Times,
    VmqOverride,
)
from vmdqemu.host import topology
from vmdqemu.host.balance_settings import DYNAMIC_VMQ, Settings
from vmdqemu.host.processors import Placing, Policy
from vmdqemu.host.queues import Override, VmqPolicy
from vmdqemu.host.rss_profiles import PROFILES
from vmdqemu.host.topology import ANY_NODE, GROUP_SIZE, MOST_PROCESSORS, Processor, Selection

HOST: Location = ("host",)


class ProcessorSetConfig(Table):
    """Which processors may serve queues: the parameters of Set-NetAdapterVmq."""

    base: ProcessorNumber = 0
    last: LastProcessor = None
    max_processors: Processors = MOST_PROCESSORS
    node: Node = None
    profile: Profile = "Closest"

    @property
    def selection(self) -> Selection:
        """As the host's rules take it."""
        return Selection(
            base=divmod(self.base, GROUP_SIZE),
            last=None if self.last is None else divmod(self.last, GROUP_SIZE),
            max_processors=self.max_processors,
            node=ANY_NODE if self.node is None else self.node,
        )


class BalancerConfig(Table):
    """When queues move: `host.balance_settings`, key by key."""

    upper: Share = DYNAMIC_VMQ.upper
    lower: Share = DYNAMIC_VMQ.lower
    margin: Share = DYNAMIC_VMQ.margin
    period: Seconds = DYNAMIC_VMQ.period
    patience: Seconds = DYNAMIC_VMQ.patience
    rest: Seconds = DYNAMIC_VMQ.rest
    budget: Moves = DYNAMIC_VMQ.budget
    saturated: Share = DYNAMIC_VMQ.saturated
    growth: Times = DYNAMIC_VMQ.growth

    @property
    def settings(self) -> Settings:
        """As the balancer takes them. Raises ValueError, naming the key."""
        return Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})


class HostConfig(Table):
    """The management OS: `processors` serve the adapter's RX queues, each as fast as `speed` of a CPU.

    `release` is whose rules hold; without one everything is allowed. `threads` of a core and NUMA `nodes` say
    how the processors are numbered. `..._vmq` overrides whether VMQ is used on a link of that speed;
    `placement` is the release's, static without one.
    """

    processors: Processors = 1
    speed: Speed = 1.0
    release: Release = None
    ten_gig_vmq: VmqOverride = Override.SYSTEM_DEFAULT
    below_ten_gig_vmq: VmqOverride = Override.SYSTEM_DEFAULT
    threads: Threads = 1
    nodes: Nodes = 1
    placement: PlacementPolicy = "static"
    processor_set: ProcessorSetConfig = Field(
        default=ProcessorSetConfig(), description="a [host.processor_set] table"
    )
    balancer: BalancerConfig = Field(default=BalancerConfig(), description="a [host.balancer] table")

    @property
    def vmq_policy(self) -> VmqPolicy:
        """Whether VMQ is used, by the link's speed."""
        ten_gig, below = Override(self.ten_gig_vmq), Override(self.below_ten_gig_vmq)
        return VmqPolicy(ten_gig=ten_gig, below_ten_gig=below, any_speed=self.release is None)

    @property
    def machine(self) -> list[Processor]:
        """The processors with their places."""
        return topology.regular(self.processors // self.threads, self.threads, self.nodes)

    @property
    def may_be_dynamic(self) -> bool:
        """Whether queues may move: some RSS profiles want none to."""
        return PROFILES[self.processor_set.profile].dynamic

    @cached_property
    def placing(self) -> Placing:
        """How queues are placed until a mode says otherwise. Raises ValueError, naming the key."""
        chosen = self.processor_set
        allowed = topology.processor_set(self.machine, chosen.selection, PROFILES[chosen.profile])
        return Placing(allowed, Policy(self.placement))


def host_problems(host: HostConfig) -> list[Problem]:
    """What is right in itself but cannot stand together in [host]."""
    if host.processors % host.threads:
        text = f"{host.threads} do not share {host.processors} processors evenly; use another number"
        return [Problem((*HOST, "threads"), text)]
    found = []
    for table, value in (
        ("processor_set", lambda: host.placing),
        ("balancer", lambda: host.balancer.settings),
    ):
        try:
            value()
        except ValueError as error:  # "key: what is wrong; use ..."
            key, _, text = str(error).partition(": ")
            found.append(Problem((*HOST, table, key), text))
    return found
