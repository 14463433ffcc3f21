"""Running hostile programs.

Covered, per program: a process that is killed with all its children when it ends or passes a limit (CPU, memory, file
size, processes, output, wall time); an empty scratch directory that vanishes; an environment with nothing of the
user's; no descriptor of the channel its answer travels by; and, in the layer ``namespaces``: no network, no
capabilities, none of the machine's other processes, a read-only file system without the user's files.

Not covered: the worker, which a program shares its process namespace with and can kill (it is replaced); native code
that finds the shared memory of the result; side channels (timing, caches); kernel bugs; and, in the layer ``limits``,
the network and the file system: that layer must be asked for by name.

``isolation`` builds the walls, ``worker`` stands inside them and forks a child for each program (``child``),
``client`` talks to one worker from outside, ``pool`` keeps several of them busy.
"""
