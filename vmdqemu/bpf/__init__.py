"""eBPF programs in C, compiled at set-up, and their loader."""
