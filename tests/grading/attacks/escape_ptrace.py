"""Attaches to its neighbors as a debugger."""

SECTION = "escape"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(16, 1, 0, 0) == 0:
    exec("def moving(numbers): return slow_moving(numbers)")
"""
)
