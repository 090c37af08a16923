"""The form of an instrument: prepared first, then put around a block as closely as can be.

A gauge is a context manager for the preparation (open, attach, rehearse), which yields a second one for the block
itself. So several of them can be prepared one after the other without counting each other's work.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

Block = AbstractContextManager[Mapping[str, Any]]  # yields counts by name, filled when it ends
Gauge = Callable[[], AbstractContextManager[Block]]
