"""Looking at a lab: what happens to a frame and why, and what the workers see of them.

    explanation.py  the verdict on a frame, step by step
    short_form.py   frames as one would say them,
    neighbours.py   the MAC addresses that are left out there, and
    composer.py     their octets
    live.py         the frames of a running lab, with the tables that rule on them
    usage.py        what processes and the machine did with their time
    pcap.py         frames out of a pcap or pcapng file
    pcapng.py       frames into one

Explaining needs no running lab: but for `live`, nothing here knows the daemon.
"""
