"""Looking at a lab: what happens to a frame and why, and what the workers see of them.

    explanation.py  the verdict on a frame, step by step
    live.py         the frames of a running lab, with the tables that rule on them
    usage.py        what processes and the machine did with their time
    pcap.py         frames out of a pcap or pcapng file
    pcapng.py       frames into one

Explaining needs no running lab: but for `live`, nothing here knows the daemon.
"""
