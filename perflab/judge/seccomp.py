"""The filter of system calls: what no exercise needs and an escape does."""

import errno
import socket
import tempfile
from functools import cache
from typing import IO

import pyseccomp as seccomp

CLONE_NEW = 0x7E020000 | 0x80  # every flag of clone that makes a namespace
# New namespaces, other processes' memory, the kernel's own doors, and what changes the machine.
FORBIDDEN = (
    *(
        "unshare",
        "setns",
        "mount",
        "umount2",
        "pivot_root",
        "chroot",
        "fsopen",
        "fsmount",
        "move_mount",
        "open_tree",
        "fsconfig",
        "fspick",
        "mount_setattr",
    ),
    # Memory that no process holds and no watchdog sees.
    *("shmget", "msgget", "semget", "memfd_secret", "memfd_create"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise"),
    *("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("io_setup", "io_submit"),  # what they read and write is counted by nobody
    *("keyctl", "add_key", "request_key", "open_by_handle_at", "name_to_handle_at", "fanotify_init"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "acct"),
    *("swapon", "swapoff", "quotactl", "syslog", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex"),
    *("personality", "modify_ldt", "iopl", "ioperm", "mknod", "mknodat", "lookup_dcookie", "vhangup"),
    *("sched_setscheduler", "sched_setattr", "ioprio_set", "mbind", "migrate_pages", "move_pages"),
)
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)  # of sockets; there is no network behind the last two
AF_NETLINK, NETLINK_ROUTE = 16, 0  # the C library asks for interfaces by it
CLONE_THREAD = 0x10000
TIOCSTI, TIOCLINUX = 0x5412, 0x541C  # put words into the terminal's mouth


def program() -> IO[bytes]:
    """Return the filter as an open file for bubblewrap's ``--seccomp``."""
    filter_ = seccomp.SyscallFilter(defaction=seccomp.ALLOW)
    refuse = seccomp.ERRNO(errno.EPERM)
    for name in FORBIDDEN:
        if seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) >= 0:
            filter_.add_rule(refuse, name)
    # The C library then falls back to clone, whose flags a filter can read.
    filter_.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for bit in range(32):
        if CLONE_NEW >> bit & 1:
            filter_.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, 1 << bit, 1 << bit))
    _bound_sockets(filter_)
    # The judge chooses the core of what it times. Who asks for another is told yes: code that wants one goes on.
    filter_.add_rule(seccomp.ERRNO(0), "sched_setaffinity")
    for request in (TIOCSTI, TIOCLINUX):
        filter_.add_rule(refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, request))
    return _exported(filter_)


@cache
def alone(threads: bool) -> bytes:
    """Return a further filter: no process starts, no thread unless `threads`; no call hides its bytes."""
    filter_ = seccomp.SyscallFilter(defaction=seccomp.ALLOW)
    refuse = seccomp.ERRNO(errno.EPERM)
    # The last two return how many messages they carried, not how many bytes.
    for name in ("fork", "vfork", "recvmmsg", "sendmmsg"):
        if seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) >= 0:
            filter_.add_rule(refuse, name)
    filter_.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    of_processes = (seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0),) if threads else ()
    filter_.add_rule(refuse, "clone", *of_processes)
    with _exported(filter_) as file:
        return file.read()


def _bound_sockets(filter_: seccomp.SyscallFilter) -> None:
    """Refuse all kinds of sockets but those that exercises use; most others are doors of the kernel."""
    refuse = seccomp.ERRNO(errno.EAFNOSUPPORT)
    last = max(*FAMILIES, AF_NETLINK)
    for family in set(range(last)) - {*FAMILIES, AF_NETLINK}:
        filter_.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.EQ, family))
    filter_.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.GT, last))
    route = seccomp.Arg(2, seccomp.NE, NETLINK_ROUTE)
    filter_.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.EQ, AF_NETLINK), route)
    filter_.add_rule(refuse, "socketpair", seccomp.Arg(0, seccomp.NE, socket.AF_UNIX))


def _exported(filter_: seccomp.SyscallFilter) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    filter_.export_bpf(file)
    file.seek(0)
    return file
