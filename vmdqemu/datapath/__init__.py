"""Linux: TAPs, kernel rings, eBPF and the processes that serve them.

The way of a frame: worker.py wakes the arbiter, the arbiter names a port, pump.py reads a burst from the
port's ring and carries out each frame's verdict, flowcache.py remembers what `host.decide` said.
"""
