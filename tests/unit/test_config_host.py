"""[host]: the processors that may serve queues, and the balancer's settings."""

from dataclasses import fields

import pytest

from vmdqemu import config
from vmdqemu.config_host import BalancerConfig, HostConfig
from vmdqemu.errors import LabFileError
from vmdqemu.host.balance_settings import DYNAMIC_VMQ, Settings
from vmdqemu.host.processors import Placing, Policy
from vmdqemu.host.rss_profiles import PROFILES

VM = '\n[[vm]]\nname = "vm1"\n'


def host(text: str) -> HostConfig:
    return config.parse(text + VM, "lab").host


def problems(text: str) -> list[str]:
    with pytest.raises(LabFileError) as raised:
        host(text)
    return list(raised.value.problems)


def test_unless_the_file_says_otherwise_every_processor_serves_and_nothing_moves() -> None:
    lab = host("[host]\nprocessors = 3")
    assert lab.placing == Placing((0, 1, 2), Policy.STATIC)
    assert lab.balancer.settings == DYNAMIC_VMQ


def test_at_most_16_processors_serve_an_adapter() -> None:
    assert host("[host]\nprocessors = 64").placing.processors == tuple(range(16))


def test_the_set_honours_base_last_count_node_and_hyper_threads() -> None:
    text = "[host]\nprocessors = 16\nthreads = 2\nnodes = 2\n[host.processor_set]\n"
    assert host(text).placing.processors == (0, 2, 4, 6, 8, 10, 12, 14)
    assert host(text + "base = 2\nlast = 12").placing.processors == (2, 4, 6, 8, 10, 12)
    assert host(text + "base = 2\nmax_processors = 2").placing.processors == (2, 4)
    assert host(text + "node = 1").placing.processors == (8, 10, 12, 14)
    assert host(text + 'profile = "NUMA"').placing.processors == (0, 8, 2, 10, 4, 12, 6, 14)


def test_every_setting_of_the_balancer_is_a_key() -> None:
    assert set(BalancerConfig.model_fields) == {field.name for field in fields(Settings)}
    text = "[host.balancer]\nupper = 0.8\nlower = 0.2\nperiod = 0.5\nbudget = 3"
    assert host(text).balancer.settings == Settings(upper=0.8, lower=0.2, period=0.5, budget=3)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "[host.balancer]\nlower = 0.9",
            "host.balancer.lower: 0.9 cannot be; use a share from 0, below upper",
        ),
        ("[host.balancer]\nperiod = 0", "host.balancer.period: 0.0 cannot be; use more than 0 seconds"),
        (
            "[host.balancer]\nperiod = inf",
            "host.balancer.period: inf is not a finite number; use a number of",
        ),
        ("[host.balancer]\nlow = 0.1", 'host.balancer.low: unknown key; did you mean "lower"?'),
        (
            "[host]\nprocessors = 4\n[host.processor_set]\nbase = 4",
            "host.processor_set.base: no processor 0:4; use up to 0:3",
        ),
        (
            "[host]\nprocessors = 4\n[host.processor_set]\nbase = 2\nlast = 1",
            "host.processor_set.last: 0:1 is below base; use 0:2 on",
        ),
        ("[host.processor_set]\nnode = 3", "host.processor_set.node: no NUMA node 3; use 0 to 0"),
        (
            "[host]\nprocessors = 4\nthreads = 2\n[host.processor_set]\nbase = 3",
            "host.processor_set.base: no processor is left; use a lower base",
        ),
        ("[host]\nprocessors = 5\nthreads = 2", "host.threads: 2 do not share 5 processors evenly"),
        (
            '[host]\nplacement = "sometimes"',
            'host.placement: "sometimes" is unknown; use "static" or "dynamic"',
        ),
        (
            'adapter.sorter = "software"\n[host]\nplacement = "dynamic"',
            'host.placement: one ring carries every queue\'s frames; use "static", or',
        ),
        (
            '[host]\nplacement = "dynamic"\n[host.processor_set]\nprofile = "NUMAStatic"',
            'host.processor_set.profile: "NUMAStatic" moves nothing; use "Closest", or',
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(text: str, problem: str) -> None:
    (found,) = problems(text)
    assert found.startswith(problem)


def test_every_profile_can_be_chosen() -> None:
    for name in PROFILES:
        assert host(f'[host.processor_set]\nprofile = "{name}"').placing.processors == (0,)
