"""What `atomics`, `hints`, `simd` and `threads` stand on: from a Python function to an instruction.

A primitive is a plain Python function; `define` tells Numba its types and the code that stands for it.
"""

from perflab.intrinsics import stamp, targets
from perflab.intrinsics.outside import call, compiled_only
from perflab.intrinsics.places import integers, place
from perflab.intrinsics.primitive import Generate, constant, define, defined, types_of

__all__ = ["Generate", "call", "compiled_only", "constant", "define", "defined", "integers", "place", "types_of"]

targets.require()
stamp.sign_caches()
