"""Running hostile programs.

Covered, per program: a new process that ends, with all that it has started, when its program ends or passes a limit
(CPU, memory, file size, processes, output, wall time); an empty scratch directory that vanishes; an environment with
nothing of the user's; no capabilities; no descriptor of the channel its answer travels by; and, in the isolations
``namespaces`` and ``landlock``: no network, no signals to other processes, a file system that can be written to in the
scratch directory only and where the user's files cannot be read.

Not covered: native code that finds the shared memory of its own result; side channels (timing, caches); kernel bugs;
in ``landlock``, the names of files; and, in the isolation ``limits``, the network, the file system and other processes:
that isolation must be asked for by name.

``isolation``, ``landlock`` and ``seccomp`` build the isolation, ``worker`` runs inside it and forks a child for each
program (``child``), which ``watch`` watches; ``client`` talks to one worker from outside (``startup``, ``frames``,
``results``), ``pool`` keeps several of them busy, ``scratch`` cleans up. ``system`` holds the system calls that Python
does not name.
"""
