"""decide() is total: any octets give a verdict, on every model."""

from random import Random

from tests.unit import golden
from tests.unit.builders import GROUP, Vm, mac, tables, tag
from tests.unit.chips import SOFTWARE_ONLY, SWITCHING, registers
from tests.unit.crafted import SEEDS
from vmdqemu.host.decide import decide
from vmdqemu.nic.frame import BROADCAST, HEADER_OCTETS, parse
from vmdqemu.nic.modes import VMMQ
from vmdqemu.nic.tables import Tables

ADDRESSES = [mac(1) + mac(2), BROADCAST + mac(1), GROUP + mac(3)]
LONGEST = 9728  # octets that Linux has an 82599 take


def labs_of_every_model() -> list[Tables]:
    """One lab on each model, by both ways that VMs' frames can go."""
    plain = (Vm(), Vm(spoof_check=False), Vm())
    software = [registers(*plain, model=model, local_switch=False) for model in SOFTWARE_ONLY]
    chips = [registers(*plain, model=model, local_switch=way) for model in SWITCHING for way in (False, True)]
    return [*software, *chips, golden.tables(), golden.tables("bridge=vepa"), tables(*plain, mode=VMMQ)]


def test_any_octets_give_a_verdict(full: bool) -> None:
    """Random ones, and frames that were cut, stretched or changed in one octet; no length is too much."""
    random = Random(82599)
    every = labs_of_every_model()
    heads = [*SEEDS.values(), *(macs + tag(100) + SEEDS["ipv4 tcp"][12:] for macs in ADDRESSES)]
    for number in range(10**6 if full else 10_000):
        length = random.randrange(LONGEST + 1)
        frame = bytearray(
            random.choice(heads) if number % 2 else random.randbytes(min(length, HEADER_OCTETS))
        )
        if number % 4 == 1:
            frame[random.randrange(len(frame))] = random.randrange(256)
        in_effect, source = random.choice(every), random.randrange(4)
        verdict = decide(parse(frame, length, in_effect.tunnels), source, in_effect)
        assert bool(verdict.deliveries) == (verdict.drop is None)
        assert len({delivery.port for delivery in verdict.deliveries}) == len(verdict.deliveries)
