"""The filter of system calls: what no exercise needs and an escape does."""

import errno
import tempfile
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
    *("shmget", "msgget", "semget", "memfd_secret"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise"),
    *("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("keyctl", "add_key", "request_key", "open_by_handle_at", "name_to_handle_at", "fanotify_init"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "acct"),
    *("swapon", "swapoff", "quotactl", "syslog", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex"),
    *("personality", "modify_ldt", "iopl", "ioperm", "mknod", "mknodat", "lookup_dcookie", "vhangup"),
    *("sched_setscheduler", "sched_setattr", "ioprio_set", "mbind", "migrate_pages", "move_pages"),
)
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
    for request in (TIOCSTI, TIOCLINUX):
        filter_.add_rule(refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, request))
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    filter_.export_bpf(file)
    file.seek(0)
    return file
