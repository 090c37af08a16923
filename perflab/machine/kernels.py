"""Small loops that reach what a core can do: streams through memory, arithmetic, and a chain of loads.

Subscripts count up from 0, so LLVM knows that none wraps around; only the sum needs leave to reorder.
"""

import numpy as np
from numba import njit

# Bytes that really move for each element of 8 bytes. What is written is fetched first, and written back: STREAM
# leaves that fetch out and counts 8, 16 and 24 for write, copy and triad.
READ_BYTES, WRITE_BYTES, COPY_BYTES, TRIAD_BYTES = 8, 16, 24, 32
CHAINS, DEPTH = 4, 8  # of `fma`: enough to hide its latency; deeper, and LLVM no longer unrolls
SCALAR_CHAINS = 12  # of `scalar_fma`: two units, each with a latency of up to six cycles
LINE = 64  # bytes of a cache line


@njit(fastmath={"reassoc", "nsz"}, nogil=True)
def read(a):
    """Return the sum of `a` (float64, 1-D), read as four streams at once: `READ_BYTES` an element.

    One stream reaches a few per cent less on some processors, as each stream has a prefetcher of its own.
    """
    n = a.size // 4
    p, q, r, s, rest = a[:n], a[n : 2 * n], a[2 * n : 3 * n], a[3 * n : 4 * n], a[4 * n :]
    total = 0.0
    for i in range(n):
        total += (p[i] + q[i]) + (r[i] + s[i])
    for i in range(rest.size):
        total += rest[i]
    return total


@njit(nogil=True)
def triad(a, b, c, s):
    """Set ``a[i] = b[i] + s * c[i]`` (float64, 1-D, equally long): `TRIAD_BYTES` an element."""
    for i in range(a.size):
        a[i] = b[i] + s * c[i]


@njit(fastmath={"contract"}, nogil=True)
def fma(x, a, b, times):
    """Apply ``x = x * a + b`` `DEPTH` x `times` times to every element of `x` (4 rows, in place).

    The rows are independent chains of fused multiply-adds; each value is loaded once for `DEPTH` of them.
    """
    x0, x1, x2, x3 = x[0], x[1], x[2], x[3]
    for _ in range(times):
        for i in range(x.shape[1]):
            p, q, r, s = x0[i], x1[i], x2[i], x3[i]
            for _ in range(DEPTH):
                p = p * a + b
                q = q * a + b
                r = r * a + b
                s = s * a + b
            x0[i], x1[i], x2[i], x3[i] = p, q, r, s


@njit(nogil=True)
def write(a, value):
    """Set every element of `a` (float64, 1-D): `WRITE_BYTES` an element."""
    for i in range(a.size):
        a[i] = value


@njit(nogil=True)
def copy(a, b):
    """Set ``a[i] = b[i]`` (float64, 1-D, equally long): `COPY_BYTES` an element."""
    for i in range(a.size):
        a[i] = b[i]


@njit(fastmath={"contract"}, nogil=True)
def scalar_fma(x, a, b, times):
    """Apply ``x = x * a + b`` `times` times to each of a tuple of `SCALAR_CHAINS` numbers; return their sum.

    Each result waits for the one before it, so that no vector instruction can be used; the chains overlap.
    """
    c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 = x
    for _ in range(times):
        c0 = c0 * a + b
        c1 = c1 * a + b
        c2 = c2 * a + b
        c3 = c3 * a + b
        c4 = c4 * a + b
        c5 = c5 * a + b
        c6 = c6 * a + b
        c7 = c7 * a + b
        c8 = c8 * a + b
        c9 = c9 * a + b
        c10 = c10 * a + b
        c11 = c11 * a + b
    return c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11


@njit(nogil=True)
def chase(following, at, hops):
    """Follow `following` (uint64, 1-D) from place `at` for `hops` steps; each load waits for the one before it."""
    at = np.uint64(at)
    for _ in range(hops):
        at = following[at]
    return at


def cycle(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random cycle through all lines of `size` bytes, for `chase`: one place in each line."""
    step = LINE // 8
    order = rng.permutation(max(size // LINE, 2)).astype(np.uint64) * np.uint64(step)
    following = np.zeros(order.size * step, np.uint64)
    following[order] = np.roll(order, -1)
    return following
