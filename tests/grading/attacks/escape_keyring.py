"""Uses doors of the kernel that no exercise needs."""

SECTION = "escape"
NOT_ON_STOCK = "a kernel lets some of them in"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
for number in (250, 321, 425, 323):  # keyctl, bpf, io_uring_setup, userfaultfd
    if libc.syscall(number, 0, 0, 0, 0, 0) >= 0:
        exec("def moving(numbers): return slow_moving(numbers)")
"""
)
