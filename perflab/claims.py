"""Numbers, sentences and claims of a chapter: all three come from the run that built the page.

`say` puts a number or a sentence where the prose names it, and `choose` finds the sentence that a comparison
bears out; `claim` fails the build where the run shows that the prose is wrong. They stand in hidden cells, so that
a page never says what its own measurements deny.
"""

from myst_nb import glue

from perflab import words
from perflab.timing import Comparison

TOO_NOISY = "Too noisy to say:"  # how a note begins; the build lists them
EVEN = 0.95, 1.05  # a ratio between these is no difference


def say(**values: float | str) -> None:
    """Put numbers or sentences of this run into the text, where ``{glue:text}`` names them."""
    for name, value in values.items():
        glue(name, value if isinstance(value, str) else float(value), display=False)


def choose(compared: Comparison, *, gains: str, even: str, loses: str, unsure: str) -> str:
    """Return the sentence that a comparison bears out.

    Parameters
    ----------
    compared : Comparison
    gains, even, loses, unsure : str
        What to say if the whole interval lies above 1, within `EVEN`, below 1, and if none of these is so.
    """
    if EVEN[0] <= compared.low and compared.high <= EVEN[1]:
        return even
    if compared.low > 1:
        return gains
    return loses if compared.high < 1 else unsure


def claim(
    what: str,
    holds: bool | Comparison,
    *,
    above: float | None = None,
    below: float | None = None,
    noisy: bool = False,
) -> None:
    """Fail the build if the page claims what this run shows to be false.

    A comparison bears a claim out if its whole interval lies between the bounds, and denies it if the whole
    interval lies outside; else the run can't tell, and the claim leaves a note. "Loses" is ``below=1``, and "no
    gain" is ``above=0.95, below=1.05``.

    Parameters
    ----------
    what : str
        The claim, in a few words.
    holds : bool or Comparison
        Whether the run bears it out.
    above, below : float, optional
        Of a comparison: between which ratios it has to lie; by default, above its own threshold.
    noisy : bool
        Of a bool: whether the run can't tell, as computed from what was measured.

    Raises
    ------
    AssertionError
        If the claim is measured false.
    TypeError
        If bounds are given for a bool, or a comparison is called noisy: it says so itself.
    """
    seen = ""
    if isinstance(holds, Comparison):
        if noisy:
            raise TypeError("noisy: a comparison says itself whether the run can tell")
        compared = holds
        if above is None and below is None:
            above = compared.threshold
        holds, noisy = _between(compared, above, below)
        seen = f": {_seen(compared, above, below)}"
    elif above is not None or below is not None:
        raise TypeError("above and below: bounds of a comparison; compare the number itself, and pass the outcome")
    if holds:
        return
    if not noisy:
        raise AssertionError(f"The page claims that {what}; this run says otherwise{seen}.")
    print(f"{TOO_NOISY} {what}{seen}.")


def _between(compared: Comparison, above: float | None, below: float | None) -> tuple[bool, bool]:
    """Return whether the interval lies between the bounds, and whether it spans one of them."""
    low, high = above if above is not None else 0, below if below is not None else float("inf")
    inside = low < compared.low and compared.high < high
    outside = compared.high <= low or compared.low >= high
    return inside, not inside and not outside


def _seen(compared: Comparison, above: float | None, below: float | None) -> str:
    bounds = {name: bound for name, bound in (("above", above), ("below", below)) if bound is not None}
    low, ratio, high = (words.number(x, [*bounds.values()]) for x in (compared.low, compared.ratio, compared.high))
    asked = " and ".join(f"{name} {words.number(bound)}" for name, bound in bounds.items())
    return f"{ratio} [{low}, {high}] is not {asked}"
