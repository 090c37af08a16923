"""Numbers and claims of a chapter: both come from the run that built the page.

`say` puts a number where the prose names it; `claim` fails the build where the run shows that the prose is wrong.
Both stand in hidden cells, so that a page never says what its own measurements deny.
"""

from myst_nb import glue

from perflab import words
from perflab.timing import Comparison

TOO_NOISY = "Too noisy to say:"  # how a note begins; the build lists them


def say(**values: float | str) -> None:
    """Put numbers of this run into the text, by the name under which ``{glue:text}`` finds them."""
    for name, value in values.items():
        glue(name, value if isinstance(value, str) else float(value), display=False)


def claim(what: str, holds: bool | Comparison, noisy: bool = False) -> None:
    """Fail the build if the page claims what this run shows to be false.

    Parameters
    ----------
    what : str
        The claim, in a few words.
    holds : bool or Comparison
        Whether the run bears it out; of a comparison, whether its verdict is "above".
    noisy : bool
        Whether the run can't tell; then a claim that does not hold leaves a note instead. A comparison says so
        itself, by the verdict "unsure".

    Raises
    ------
    AssertionError
        If the claim is measured false.
    """
    seen = ""
    if isinstance(holds, Comparison):
        c = holds
        holds, noisy = c.verdict == "above", c.verdict == "unsure"
        low, ratio, high = (words.number(x, [c.threshold]) for x in (c.low, c.ratio, c.high))
        seen = f": {ratio} [{low}, {high}] is not above {words.number(c.threshold)}"
    if holds:
        return
    if not noisy:
        raise AssertionError(f"The page claims that {what}; this run says otherwise{seen}.")
    print(f"{TOO_NOISY} {what}{seen}.")
