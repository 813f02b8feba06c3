"""What a lab is about to make is on record first."""

from vmdqemu.config import parse
from vmdqemu.daemon.plant import record


def test_the_record_names_everything_before_it_is_made() -> None:
    wired = 'prefix = "p-"\nwire = {}\n'
    text = 'vm = [{ name = "vm1" }, { name = "vm2" }]'
    assert record(parse(wired + text, "lab"), 7, "lab.toml") == (
        "lab",
        7,
        "lab.toml",
        ("lab-nic", "p-ext", "p-vm1", "p-vm2"),
        None,
    )
    assert record(parse(text, "lab"), 7, "lab.toml").namespaces == ("vm1", "vm2")
    hosts = 'wire.host = [{ name = "web" }, { name = "db" }]\n'
    assert record(parse(hosts + text, "lab"), 7, "lab.toml").namespaces == (
        "lab-nic",
        "ext",
        "vm1",
        "vm2",
        "web",
        "db",
    )
    bridge = 'wire.bridge = "br0"\n'
    assert record(parse(bridge + text, "lab"), 7, "lab.toml").namespaces == ("lab-nic", "vm1", "vm2")
