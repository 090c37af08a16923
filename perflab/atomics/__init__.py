"""Atomic operations on elements of integer arrays, for compiled code: what Numba lacks on the CPU.

Threads that share an array agree about an element only by these. Each operation is one instruction of the
processor, or a short loop of them, with the ordering that its `order` names; nothing takes a lock.

The orders are those of C11 and C++11: ISO/IEC 9899:2011, 7.17.3; LLVM's Atomic Instructions and Concurrency Guide.
"""

from perflab.atomics.orders import Order
from perflab.atomics.pairs import compare_exchange_pair
from perflab.atomics.tags import index_of, pack, tag_of
from perflab.atomics.words import (
    compare_exchange,
    compare_exchange_value,
    exchange,
    fence,
    fetch_add,
    fetch_and,
    fetch_max,
    fetch_min,
    fetch_or,
    fetch_sub,
    fetch_xor,
    load,
    store,
)

__all__ = [
    "Order",
    "compare_exchange",
    "compare_exchange_pair",
    "compare_exchange_value",
    "exchange",
    "fence",
    "fetch_add",
    "fetch_and",
    "fetch_max",
    "fetch_min",
    "fetch_or",
    "fetch_sub",
    "fetch_xor",
    "index_of",
    "load",
    "pack",
    "store",
    "tag_of",
]
