"""The daemon: builds a lab, owns every file descriptor, starts and replaces the workers, answers requests.

    plant.py       the lab as it was built: namespaces, TAPs, the uplink, the adapter's tables
    supervisor.py  the processes that serve it
    control.py     JSON-RPC on a unix socket
    verbs.py       what can be asked for there; adapter_verbs.py, host_verbs.py and oids.py have most of it
    params.py      what a request says
    reports.py     what is answered
    observers.py   who looks at frames, and for how long
    law.py         the books: our counters against the kernel's
    start.py       starting it in the background, and
    stop.py        ending it, from outside
    runtime.py     what a lab leaves in /run/vmdqemu, and how it is found again after a crash

It parses no frame.
"""
