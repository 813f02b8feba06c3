"""The management OS. Pure: no I/O, no clock, no event loop. Imports `nic`; `nic` never imports it."""
