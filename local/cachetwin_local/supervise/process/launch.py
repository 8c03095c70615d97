"""Runs between fork and exec of every child: ``python -I -S launch.py PARENT DEATH_SIGNAL keep|drop PROGRAM ARG...``.

On Linux the kernel sends the child DEATH_SIGNAL when the supervisor dies, however it dies. With ``drop`` a child of
root becomes ``nobody`` (PostgreSQL refuses to run as root) but keeps one capability, CAP_DAC_OVERRIDE, so that it can
reach its binaries and its data without opening any folder of the user to others; the alternative, making every folder
on the way world-readable, is what this avoids. Standard library only: this runs without site-packages.
"""

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def main(arguments: list[str]) -> None:
    """Prepare this process and become PROGRAM."""
    parent, death_signal, root = int(arguments[0]), int(arguments[1]), arguments[2]
    command = arguments[3:]
    linux = sys.platform == "linux"
    if root == "drop" and os.geteuid() == 0:
        _become_nobody(keep_file_access=linux)
    if linux:
        # after the change of user, which clears it
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
    os.execv(command[0], command)  # noqa: S606  (no shell: the words are the program's own)


def _become_nobody(*, keep_file_access: bool) -> None:
    libc = ctypes.CDLL(None)
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    if keep_file_access:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setuid(nobody.pw_uid)
    if keep_file_access:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        mask = 1 << _CAP_DAC_OVERRIDE
        data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        if libc.capset(header, data) == 0:
            libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
