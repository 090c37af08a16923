"""Vectors as values, for compiled code: what one instruction works on at once, where the compiler finds no way.

A vector is made by `load`, `load_masked` or `splat`; ``+``, ``-``, ``*``, `fma` and `select` work lane by lane;
``<``, ``<=``, ``>``, ``>=``, ``==`` and ``!=`` make masks, which ``&``, ``|`` and ``~`` combine. Kinds of vectors
are `f32x8` (eight float32), `f32x16`, `f64x4`, `f64x8`, `i32x8`, `i32x16`, `i64x4` and `i64x8`. A processor with
shorter registers takes two or more of them for one vector.
"""

from perflab.simd.arithmetic import fma, select
from perflab.simd.kinds import Mask, Vector, f32x8, f32x16, f64x4, f64x8, i32x8, i32x16, i64x4, i64x8
from perflab.simd.memory import first, load, load_masked, splat, store, store_masked
from perflab.simd.reductions import all, any, max, min, sum

__all__ = [
    "Mask",
    "Vector",
    "all",
    "any",
    "f32x8",
    "f32x16",
    "f64x4",
    "f64x8",
    "first",
    "fma",
    "i32x8",
    "i32x16",
    "i64x4",
    "i64x8",
    "load",
    "load_masked",
    "max",
    "min",
    "select",
    "splat",
    "store",
    "store_masked",
    "sum",
]
