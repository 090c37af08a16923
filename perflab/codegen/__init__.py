"""What the compiler made of a Numba function: vectors, divisions, branches, calls, and the hot loop in words."""

from perflab.codegen.compiler import TARGET, CodegenError, inspectable
from perflab.codegen.features import Loop
from perflab.codegen.inspection import METRICS, Code, inspect, measure

__all__ = ["METRICS", "TARGET", "Code", "CodegenError", "Loop", "inspect", "inspectable", "measure"]
