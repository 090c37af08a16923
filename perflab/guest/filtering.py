"""A filter of system calls, loaded into this process and all its threads for good."""

import ctypes
import os

SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC = 1, 1  # of linux/seccomp.h
PR_SET_NO_NEW_PRIVS = 38  # of linux/prctl.h
SECCOMP = {"x86_64": 317, "aarch64": 277}  # the number of the system call, which the C library does not offer
BYTES_OF_AN_INSTRUCTION = 8

_libc = ctypes.CDLL(None, use_errno=True)


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_char_p))


def load(program: bytes) -> None:
    """Load a filter beside those that are in force.

    Raises
    ------
    OSError
        If the kernel does not take it.
    """
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "new privileges stay possible")
    filter_ = _Filter(len(program) // BYTES_OF_AN_INSTRUCTION, program)
    number = SECCOMP[os.uname().machine]
    if _libc.syscall(number, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, ctypes.byref(filter_)):
        raise OSError(ctypes.get_errno(), "no filter of system calls")
