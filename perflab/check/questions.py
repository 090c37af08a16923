"""What may be asked of an oracle: the same in a learner's own kernel and in a sandbox."""

from typing import Any

import numpy as np

SCALARS = (bool, int, float, complex, str, bytes, type(None))


def held(buffer: Any) -> bytes | None:
    """Return what a bytearray or a memoryview holds; None if that has gaps or was released, or for all else."""
    try:
        whole = type(buffer) is bytearray or (type(buffer) is memoryview and buffer.contiguous)
        return bytes(buffer) if whole else None
    except ValueError:
        return None


def question(value: Any, where: str = "the question") -> Any:
    """Return a copy of what an oracle is asked, buffers as bytes.

    Raises
    ------
    TypeError
        If something in it may not cross.
    """
    kind = type(value)
    if kind in SCALARS:
        return value
    if (whole := held(value)) is not None:
        return whole
    if isinstance(value, np.generic) and kind.__module__.startswith("numpy") and not value.dtype.hasobject:
        return value
    if kind in (tuple, list):
        return kind(question(v, f"{where}[{i}]") for i, v in enumerate(value))
    if kind is dict:
        return {question(k, f"{where} key"): question(v, f"{where}[{k!r}]") for k, v in value.items()}
    raise TypeError(
        f"{where} is a {kind.__module__}.{kind.__qualname__}; ask with numbers, str, bytes, or tuples, lists or "
        "dicts of these"
    )
