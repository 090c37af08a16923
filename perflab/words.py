"""Numbers as people write them: thousands apart, three digits where they are measured, times with their unit."""

import math
from collections.abc import Callable, Sequence

DIGITS = 3  # of a number that is not whole
MOST_DIGITS = 8  # of one that must not look like another
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
LARGEST, SMALLEST = 1e15, 1e-9  # beyond, digits alone are no help


def number(x: float, unlike: Sequence[float] = ()) -> str:
    """Return a number as people write it.

    Whole numbers keep all their digits, and so does what stands before the point: a count is exact.

    Parameters
    ----------
    x : float
    unlike : sequence of float
        Numbers that it is compared with: where it is another number, it gets as many digits as tell them apart.

    Examples
    --------
    >>> number(211968), number(1000.0), number(0.39349), number(1234.5)
    ('211,968', '1,000', '0.393', '1,234')
    >>> number(1.4996), number(1.4996, unlike=[1.5])
    ('1.5', '1.4996')
    """
    others = [other for other in unlike if other != x]
    for digits in range(DIGITS, MOST_DIGITS):
        written = _written(x, digits)
        if all(written != _written(other, digits) for other in others):
            break
    return written


def duration(seconds: float) -> str:
    """Return a time with its unit.

    Examples
    --------
    >>> duration(0.00123456), duration(75.0), duration(2.5e-8)
    ('1.23 ms', '75 s', '25 ns')
    """
    # What rounds up to a whole unit is written in it: 0.9999 ms is 1 ms.
    size, unit = next((u for u in UNITS if seconds >= u[0] * (1 - 0.5 * 10**-DIGITS)), UNITS[-1])
    return f"{number(seconds / size)} {unit}"


def at_least(x: float) -> str:
    """Return a lower bound, rounded up: whoever reaches what is written reaches the bound."""
    return number(_outward(x, math.ceil))


def at_most(x: float) -> str:
    """Return an upper bound, rounded down: whoever reaches what is written reaches the bound."""
    return number(_outward(x, math.floor))


def counted(n: float, one: str, many: str = "") -> str:
    """Return how many there are of something: "1 pair", "2 pairs".

    Parameters
    ----------
    n : float
    one, many : str
        The word for one and for more; by default the plural ends in "s".
    """
    return f"{number(n)} {one if n == 1 else many or one + 's'}"


def _written(x: float, digits: int) -> str:
    x = float(x)
    if not math.isfinite(x):
        return "not a number" if math.isnan(x) else "infinite" if x > 0 else "minus infinite"
    if x and not SMALLEST <= abs(x) < LARGEST:
        return f"{x:.{digits}g}"
    # The exponent after rounding: 99.96 has three digits before the point, not two.
    exponent = int(f"{x:.{digits - 1}e}".partition("e")[2])
    decimals = max(digits - 1 - exponent, 0)
    text = f"{x:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _outward(x: float, toward: Callable[[float], int]) -> float:
    if not x or not math.isfinite(x):
        return x
    scale = 10.0 ** (DIGITS - 1 - math.floor(math.log10(abs(x))))
    # A bound that has three digits stays what it is, whatever the last bit says.
    nearest = round(x * scale)
    return (nearest if math.isclose(x * scale, nearest, rel_tol=1e-12) else toward(x * scale)) / scale
