"""The hardware. Pure: no I/O, no clock, no event loop.

The way of a frame, file by file:

    frame.py     what the headers say
    switch.py    receive() from the wire, transmit() from a VM: the silicon's half of a verdict
    filters.py   which VPort owns a (MAC, VLAN)
    rss.py       hash types, Toeplitz, key, indirection table: which queue of a VPort
    moderation.py  how soon after an interrupt the next one may follow
    coalescing.py  which frames of the default queue may wait for company
    vectors.py   MSI-X: which vector a queue raises, and the frames that need not wait
    datagram.py  IP datagrams whole, for
    rsc.py       TCP segments joined into units, and
    uro.py       UDP datagrams joined
    arbiter.py   which VM's transmit ring is served next: by
    disciplines.py  who has credit, and
    rate_limit.py   what a rate lets out
    counters.py  what is counted, and why a frame is dropped
    statistics.py  the same by the names of each chip's driver and registers

and what decides it:

    models.py    the limits of each adapter
    share.py     what a VM may have of the transmitter, and which terms a chip can keep
    modes.py     which half sorts, and into how many queues
    adapter.py   the control model: apply(adapter, request) is the only way its state changes
    *_requests.py  what can be asked of each object, and how it is carried out
    state.py     the value that they change
    vport.py     a VPort; its indirection table as NDIS sees it (scaling_entity.py) and as the silicon does
    queue_rules.py  how each chip gets from pool, class and hash to a queue; queue_filters.py goes first
    compilation.py  makes of that value
    tables.py    the registers in effect: all that the data path reads
"""
