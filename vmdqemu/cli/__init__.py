"""The command line: one file for each group of commands, imported only when it is asked for.

    main.py      every command and option; errors become one line each and an exit code
    lab.py       up and validate: from a lab file
    start.py     a daemon in the background
    down.py      which labs to stop
    stop.py      stopping one, dead or alive
    execute.py   exec: a command in a VM
    client.py    asking a lab's daemon
    reading.py   status, vport list, queue list, stats: what it answers
    doctor.py    what this machine has and lacks
    probes.py    how each of that is found out
    demo.py      the main job, from nothing to a table
    table.py     columns

Exit codes are those of `vmdqemu.errors`.
"""
