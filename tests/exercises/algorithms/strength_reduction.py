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
    "naive": (NAIVE, points(1, 0, 0)),
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
        points(1, 0, (0, 2)),
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
        points(1, 0, 0),
    ),
    # Half done: carries the row along as well, and still divides for the column.
    "one_division_left": (
        """
@njit
def fill(pattern, width, down, right, out):
    rows, columns = pattern.shape
    y, x = down % rows, 0
    for i in range(out.size):
        out[i] = pattern[y, (x + right) % columns]
        x += 1
        if x == width:
            x, y = 0, y + 1
            if y == rows:
                y = 0
""",
        points(1, 0, (0, 5)),
    ),
    # The same three divisions, of smaller integers: each is written once, and done as often.
    "smaller_integers": (
        """
@njit
def fill(pattern, width, down, right, out):
    rows, columns = np.uint32(pattern.shape[0]), np.uint32(pattern.shape[1])
    width, down, right = np.uint32(width), np.uint32(down % rows), np.uint32(right % columns)
    for i in range(out.size):
        pixel = np.uint32(i)
        y, x = np.uint32(pixel // width), np.uint32(pixel % width)
        out[i] = pattern[np.uint32(y + down) % rows, np.uint32(x + right) % columns]
""",
        points(1, (0, 1), (0, 2)),
    ),
    # No division for a pixel, but four for each line: the loop over the lines still computes its row anew.
    "divides_for_each_line": (
        """
@njit
def fill(pattern, width, down, right, out):
    rows, columns = pattern.shape
    begin = right % columns
    for first in range(0, out.size, width):
        row, line, x = pattern[(first // width + down) % rows], out[first : first + width], begin
        for k in range(line.size):
            line[k] = row[x]
            x += 1
            if x == columns:
                x = 0
""",
        points(1, 0, (0, 5)),
    ),
    # The chapter's way, with numbers of floating point: right, and legal.
    "reciprocals": (
        """
@njit
def fill(pattern, width, down, right, out):
    rows, columns = pattern.shape
    of_width, of_rows, of_columns = 1.0 / width, 1.0 / rows, 1.0 / columns
    down, right = down % rows, right % columns
    for i in range(out.size):
        line = int((i + 0.5) * of_width)
        y, x = line + down, i - line * width + right
        y -= int((y + 0.5) * of_rows) * rows
        x -= int((x + 0.5) * of_columns) * columns
        out[i] = pattern[y, x]
""",
        points(1, 2, (0, 5)),
    ),
    # The lever, and a column that must be less than 256.
    "columns_in_bytes": (
        """
@njit
def fill(pattern, width, down, right, out):
    rows, columns = pattern.shape
    y = down % rows
    state = np.array([right % columns, right % columns], np.uint8)
    for first in range(0, out.size, width):
        row, line = pattern[y], out[first : first + width]
        state[1] = state[0]
        for k in range(line.size):
            line[k] = row[state[1]]
            state[1] += np.uint8(1)
            if state[1] == columns:
                state[1] = 0
        y += 1
        if y == rows:
            y = 0
""",
        points(0, 0, 0),
    ),
    # No division, and far more work: a remainder by taking away, anew for each pixel.
    "takes_away": (
        """
@njit
def fill(pattern, width, down, right, out):
    rows, columns = pattern.shape
    for i in range(out.size):
        x, y = i, down
        while x >= width:
            x -= width
            y += 1
        x += right
        while x >= columns:
            x -= columns
        while y >= rows:
            y -= rows
        out[i] = pattern[y, x]
""",
        points(1, 2, 0),
    ),
    # No loop of its own: NumPy copies whole lines.
    "whole_lines": (
        """
def fill(pattern, width, down, right, out):
    rows, columns = pattern.shape
    shifted = np.roll(pattern, (-down, -right), (0, 1))
    lines, rest = divmod(out.size, width)
    wide = np.tile(shifted, (1, width // columns + 1))[:, :width]
    tall = np.tile(wide, (lines // rows + 2, 1)).reshape(-1)
    out[:] = tall[: out.size]
""",
        points(1, 0, 0),
    ),
}
