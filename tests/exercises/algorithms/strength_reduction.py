"""Broken twins of algorithms/strength_reduction: an answer, and the points that each tests cell may give."""

CORRECT, DIVISIONS = "strength_reduction_correct", "strength_reduction_divisions"
SPEED = "strength_reduction_speed"


def points(correct, divisions, speed):
    return {CORRECT: correct, DIVISIONS: divisions, SPEED: speed}


NAIVE = """
@njit
def fill(pattern, width, down, right, out):
    rows, columns = pattern.shape
    for i in range(out.size):
        y, x = i // width, i % width
        out[i] = pattern[(y + down) % rows, (x + right) % columns]
"""

MUTANTS = {
    # The slow code.
    "naive": (NAIVE, points(3, 0, 0)),
    # Every line begins where the last one has ended.
    "wrong_but_fast": (
        """
@njit
def fill(pattern, width, down, right, out):
    row, x = pattern[down % pattern.shape[0]], right % pattern.shape[1]
    for i in range(out.size):
        out[i] = row[x]
        x += 1
        if x == row.size:
            x = 0
""",
        points(0, 0, 0),
    ),
    # Less to look up, and all divisions still there.
    "wrong_lever": (
        """
@njit(fastmath=True)
def fill(pattern, width, down, right, out):
    rows, columns = pattern.shape
    flat = pattern.ravel()
    for i in range(out.size):
        line = i // width
        out[i] = flat[(line + down) % rows * columns + (i - line * width + right) % columns]
""",
        points(3, 0, (0, 2.5)),
    ),
    # Answers with what came out for a pattern of that size: none comes twice. No compiled loop, so none is counted.
    "memo": (
        NAIVE.replace("def fill", "def slowly")
        + """
outcomes = {}


def fill(pattern, width, down, right, out):
    key = pattern.tobytes(), width, down, right, out.size
    if key not in outcomes:
        slowly(pattern, width, down, right, out)
        outcomes[key] = out.copy()
    out[:] = outcomes[key]
""",
        points(3, 0, 0),
    ),
    # Carries line and column of the screen along, and divides for the pattern.
    "half_way": (
        """
@njit
def fill(pattern, width, down, right, out):
    rows, columns = pattern.shape
    y, x = 0, 0
    for i in range(out.size):
        out[i] = pattern[(y + down) % rows, (x + right) % columns]
        x += 1
        if x == width:
            x, y = 0, y + 1
""",
        points(3, (0.5, 1), (0, 2.5)),
    ),
}
