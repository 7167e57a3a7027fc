"""Becomes the server that its arguments name, as one that ends when its parent dies."""

# Run as a file with `python -I -S`, so it imports the standard library only. A `preexec_fn` could
# do the same, but runs Python between fork and exec, which may hang in a process with threads.

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>; it outlasts execv."""


def main() -> None:
    """Run `launcher.py PARENT_PID PROGRAM ARGUMENT…`."""
    parent, *command = sys.argv[1:]
    _end_with_parent()
    if os.getppid() != int(parent):
        # It died before the kernel was asked to tell us.
        sys.exit("The process that asked for a server has ended.")
    os.execv(command[0], command)


def _end_with_parent() -> None:
    """Ask the kernel for a SIGTERM when the thread that started this process ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGTERM), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


if __name__ == "__main__":
    main()
