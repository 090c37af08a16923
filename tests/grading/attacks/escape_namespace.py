"""Makes a namespace of its own, to become its root."""

SECTION = "escape"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x10000000) == 0:
    exec("def moving(numbers): return slow_moving(numbers)")
"""
)
