"""What this machine is and what it can do: description, ceilings, latency numbers, and a roofline for loops."""

from perflab.machine.abilities import Ability, abilities
from perflab.machine.ceilings import Ceilings, ceilings
from perflab.machine.description import Cache, Machine, describe
from perflab.machine.hierarchy import hierarchy
from perflab.machine.kernels import READ_BYTES, TRIAD_BYTES, fma, read, triad
from perflab.machine.latencies import latency_curve
from perflab.machine.numbers import Number, Numbers, numbers
from perflab.machine.rates import Rate
from perflab.machine.roofline import Kernel, describe_roofline, roofline

__all__ = [
    "READ_BYTES",
    "TRIAD_BYTES",
    "Ability",
    "Cache",
    "Ceilings",
    "Kernel",
    "Machine",
    "Number",
    "Numbers",
    "Rate",
    "abilities",
    "ceilings",
    "describe",
    "describe_roofline",
    "fma",
    "hierarchy",
    "latency_curve",
    "numbers",
    "read",
    "roofline",
    "triad",
]
