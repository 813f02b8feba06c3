"""The command line. X_commands.py says what commands group X has; what one does is imported when called.

    main.py      all groups together; errors become one line each and an exit code
    group.py     what the groups have in common
    options.py   what many commands have in common
    lab.py       up and validate: from a lab file
    down.py      which labs to stop
    execute.py   exec: a command in a VM
    client.py    asking a lab's daemon
    reading.py   what it answers, for the eye
    trace.py     why a frame goes where it goes
    capture.py   frames of a running lab
    doctor.py    what this machine has and lacks
    probes.py    how each of that is found out
    demo.py      the main job, from nothing to a table
    table.py     columns

Exit codes are those of `vmdqemu.errors`.
"""
