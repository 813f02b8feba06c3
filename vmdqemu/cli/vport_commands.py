"""`vport`: the adapter's ports to the inside, one for each VM."""

from vmdqemu.cli.group import add_reading, group

app = group("The adapter's virtual ports.")
add_reading(app, "list", "vport.list", "Show the adapter's virtual ports with their queues and filters.")
