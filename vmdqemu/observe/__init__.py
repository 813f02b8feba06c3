"""Looking at a lab: what happens to a frame and why, and what the workers see of them.

explanation.py  the verdict on a frame, step by step
pcap.py         frames out of a pcap or pcapng file
"""
