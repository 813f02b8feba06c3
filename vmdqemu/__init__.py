"""vmdqemu: a NIC you can run without owning one."""

__version__ = "0.1.0"
