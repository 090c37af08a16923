"""Broken twins of memory/blocked_transpose: an answer, and the points that each tests cell may give."""

CORRECT, NEAR, FAR = "blocked_transpose_correct", "blocked_transpose_near", "blocked_transpose_far"


def points(correct, near, far):
    return {CORRECT: correct, NEAR: near, FAR: far}


def blocks(height, width):
    return f"""
@njit
def turn(picture, turned):
    for top in range(0, picture.shape[0], {height}):
        for left in range(0, picture.shape[1], {width}):
            for y in range(top, min(top + {height}, picture.shape[0])):
                for x in range(left, min(left + {width}, picture.shape[1])):
                    turned[x, y] = picture[y, x]
"""


MUTANTS = {
    # The slow loop under another name.
    "naive": (
        """
@njit
def turn(picture, turned):
    turn_rows(picture, turned)
""",
        points(2, 0, 0),
    ),
    # Writes rows as rows, and mirrors nothing: few misses, and only squares do not fail.
    "wrong_but_fast": (
        """
@njit
def turn(picture, turned):
    for y in range(min(picture.shape)):
        for x in range(min(picture.shape)):
            turned[y, x] = picture[y, x]
""",
        points(0, 0, 0),
    ),
    # The loops exchanged: now it is the reads that go down a column.
    "wrong_lever": (
        """
@njit
def turn(picture, turned):
    for x in range(picture.shape[1]):
        for y in range(picture.shape[0]):
            turned[x, y] = picture[y, x]
""",
        points(2, 0, 0),
    ),
    # Remembers what came out for a picture of that size; no two cases with the same size have the same pixels.
    "memo": (
        """
memo = {}


def turn(picture, turned):
    if picture.shape not in memo:
        turn_rows(picture, turned)
        memo[picture.shape] = turned.copy()
    else:
        turned[:] = memo[picture.shape]
""",
        points(0, 0, 0),
    ),
    # A block as wide as a line is long: 1 KB of pixels fits easily, but its lines want 16 places of a set of 8.
    "fits_by_bytes_alone": (blocks(16, 16), points(2, 0, 4)),
    # The chapter's block, for pixels of eight bytes, is half a line here: the first level is content, the second
    # fetches lines of the turned picture twice.
    "half_a_line": (blocks(8, 8), points(2, 3, (0.5, 1))),
    # Strips from top to bottom, no blocks: each line of the picture comes twice.
    "strips": (blocks(1 << 20, 8), points(2, 3, (0.5, 1))),
    # Strips from left to right: a line of the turned picture is lost before its next pixel.
    "strips_of_rows": (blocks(8, 1 << 20), points(2, 0, 0)),
    # A quarter of a line, a quarter of the way.
    "half_way": (blocks(4, 4), points(2, (1.5, 2.5), 0)),
    # A whole line and more of both pictures, which the first level has no places for.
    "large_blocks": (blocks(32, 32), points(2, 0, 4)),
    # The array's own transpose, in whole-array operations, in no order that anybody chose.
    "library": (
        """
def turn(picture, turned):
    turned[:] = picture.T
""",
        points(2, 0, 0),
    ),
    # Leaves the border of the picture as it was.
    "forgets_the_border": (
        """
@njit
def turn(picture, turned):
    for top in range(0, picture.shape[0] - 15, 16):
        for left in range(0, picture.shape[1] - 7, 8):
            turn_rows(picture[top : top + 16, left : left + 8], turned[left : left + 8, top : top + 16])
""",
        points(0, 0, 0),
    ),
}
