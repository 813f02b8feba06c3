"""`python -m vmdqemu` is `vmdqemu`."""

from vmdqemu.cli.main import main

main()
