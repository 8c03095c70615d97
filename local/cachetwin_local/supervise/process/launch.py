"""Runs between fork and exec of every child: ``python -I -S launch.py PARENT DEATH_SIGNAL keep|drop HOSTS PROGRAM ARG...``.

On Linux the kernel sends the child DEATH_SIGNAL when the supervisor dies, however it dies. With ``drop`` a child of
root becomes ``nobody`` (PostgreSQL refuses to run as root) but keeps one capability, CAP_DAC_OVERRIDE, so that it can
reach its binaries and its data without opening any folder of the user to others; the alternative, making every folder
on the way world-readable, is what this avoids. HOSTS, unless it is empty, is a file that the child and its children find as
``/etc/hosts``: a mount in a namespace of their own, which needs no root where the system lets users have namespaces.
``launch.py can-show-hosts HOSTS`` exits with 0 where that is possible. Standard library only: this runs without
site-packages.
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
_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_BIND = 4096
_MS_REC = 16384
_MS_SLAVE = 1 << 19


def main(arguments: list[str]) -> None:
    """Prepare this process and become PROGRAM."""
    if arguments[0] == "can-show-hosts":
        sys.exit(0 if _show_hosts(arguments[1]) else 1)
    parent, death_signal, root, hosts = int(arguments[0]), int(arguments[1]), arguments[2], arguments[3]
    command = arguments[4:]
    linux = sys.platform == "linux"
    if hosts:
        _show_hosts(hosts)
    if root == "drop" and os.geteuid() == 0:
        _become_nobody(keep_file_access=linux)
    if linux:
        # after the change of user, which clears it
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
    os.execv(command[0], command)  # noqa: S606  (no shell: the words are the program's own)


def _show_hosts(path: str) -> bool:
    """Mount the file over ``/etc/hosts``, for this process and its children alone. Returns whether that worked."""
    libc = ctypes.CDLL(None)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWNS) != 0:
        if libc.unshare(_CLONE_NEWNS | _CLONE_NEWUSER) != 0:
            return False
        try:
            for name, line in (
                ("setgroups", "deny"),
                ("uid_map", f"{user} {user} 1"),
                ("gid_map", f"{group} {group} 1"),
            ):
                with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123  (pathlib loads for 5 ms)
                    file.write(line)
        except OSError:
            return False
    # what is mounted or unmounted outside later is so here, too
    if libc.mount(None, b"/", None, _MS_REC | _MS_SLAVE, None) != 0:
        return False
    return bool(libc.mount(os.fsencode(path), b"/etc/hosts", None, _MS_BIND, None) == 0)


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
