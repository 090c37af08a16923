"""Where the random inputs of a tests cell begin."""

import linecache
import sys
from types import FrameType
from zlib import crc32

from perflab.check.origin import GRADE_ID, tests_frame


def stream() -> int:
    """Return a number of 32 bits for the seeds of the tests cell that is running: each cell has another.

    So no two cells draw the same inputs, and what a function has seen in one of them helps it in no other. Code
    without an id, such as a scratch cell or a program, is known by the line that calls the check.
    """
    if frame := tests_frame():
        name = linecache.getline(frame.f_code.co_filename, 1).removeprefix(GRADE_ID).split()[0]
    elif frame := _module_frame():
        name = f"{frame.f_lineno}: {linecache.getline(frame.f_code.co_filename, frame.f_lineno)}"
    else:
        name = ""
    return crc32(name.encode())


def _module_frame() -> FrameType | None:
    """Return the innermost frame outside of all functions that has led here."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame
