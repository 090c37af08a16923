"""Broken twins of cpu/branchless_compaction: an answer, and the points that each tests cell may give."""

CORRECT, BRANCHES = "branchless_compaction_correct", "branchless_compaction_branches"
SPEED, FLAT = "branchless_compaction_speed", "branchless_compaction_flat"


def points(correct, branches, speed, flat):
    return {CORRECT: correct, BRANCHES: branches, SPEED: speed, FLAT: flat}


MUTANTS = {
    # The slow code.
    "naive": (
        """
@njit
def urgent(priority, out):
    kept = 0
    for i in range(priority.size):
        if priority[i] >= URGENT:
            out[kept] = i
            kept += 1
    return out[:kept]
""",
        points(2, 0, 0, 0),
    ),
    # Keeps all of them: no branch, and most answers are wrong.
    "wrong_but_fast": (
        """
@njit
def urgent(priority, out):
    for i in range(priority.size):
        out[i] = i
    return out
""",
        points(0, 0, 0, 0),
    ),
    # A hint to the compiler: other code, the same guesses.
    "wrong_lever": (
        """
from perflab.hints import unlikely


@njit
def urgent(priority, out):
    kept = 0
    for i in range(priority.size):
        if unlikely(priority[i] >= URGENT):
            out[kept] = i
            kept += 1
    return out[:kept]
""",
        points(2, 0, 0, 0),
    ),
    # Answers with what came out for a queue that looks the same: no queue comes twice.
    "memo": (
        """
memo = {}


@njit
def slowly(priority, out):
    kept = 0
    for i in range(priority.size):
        if priority[i] >= URGENT:
            out[kept] = i
            kept += 1
    return out[:kept]


def urgent(priority, out):
    key = priority.size, priority[:64].tobytes()
    if key not in memo:
        memo[key] = slowly(priority, out).copy()
    return memo[key]
""",
        points(2, 0, 0, 0),
    ),
    # Does the work eight times where it is easy: measured against itself alone, it would be flat.
    "wastes_on_the_sorted": (
        """
@njit
def urgent(priority, out):
    kept = 0
    for _ in range(8 if priority.size > 99 and (priority[:99] <= priority[1:100]).all() else 1):
        kept = 0
        for i in range(priority.size):
            if priority[i] >= URGENT:
                out[kept] = i
                kept += 1
    return out[:kept]
""",
        points(2, 0, 0, 0),
    ),
}
