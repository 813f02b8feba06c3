"""The lab: network namespaces, the links between them, what runs in them, and the undo of all that.

Read `namespace` (a machine), `links` (its cables), `counters` (what crossed them), `lab` (undo beside do).
Nothing here knows what a NIC is. README.md draws a lab.
"""
