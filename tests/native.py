"""What a function becomes on this machine: the instructions of the function itself, without Numba's wrappers."""

import platform
import re

import pytest
from numba import njit

needs_x86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="x86-64 assembly")


def instructions(function, *kinds):
    """Return the x86-64 instructions of a Python function for some Numba types, one a line, single-spaced."""
    compiled = njit(kinds)(function)
    (signature,) = compiled.signatures
    name = compiled.overloads[signature].fndesc.llvm_func_name
    body = re.search(rf"^{re.escape(name)}:\n(.*?)^\.Lfunc_end", compiled.inspect_asm(signature), re.S | re.M)[1]
    lines = (" ".join(line.split()) for line in body.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith((".", "#")))
