"""A concurrent structure on trial: one source, in all schedules of a small program and on real threads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LINE = 8  # int64 from one cache line to the next: what different threads write lies so far apart


@dataclass(frozen=True)
class Program:
    """Threads and what they have to bring about.

    Attributes
    ----------
    calls : list of (function, arguments)
    check : callable
        Called with what the threads returned, when the arrays hold what they left; raises AssertionError.
    against : type, optional
        The sequential object, whose methods are named like the functions that the threads call.
    """

    calls: list[tuple[Callable[..., Any], tuple]]
    check: Callable[..., None]
    against: type | None = None


@dataclass(frozen=True)
class Structure:
    """A structure and its broken twin.

    Attributes
    ----------
    name : str
    flaw : str
        What the twin does wrong.
    small, large : callable
        ``small(broken)`` returns a program for the explorer, ``large(broken)`` one for real threads.
    shows : bool
        Whether real threads show the flaw in a few rounds; if not, only the explorer finds it for sure.
    needs_buffers : bool
        Whether the flaw is a missing fence: under sequential consistency all is well.
    """

    name: str
    flaw: str
    small: Callable[[bool], Program]
    large: Callable[[bool], Program]
    shows: bool = True
    needs_buffers: bool = False
