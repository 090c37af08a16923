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


BUFFER = """
@njit
def turn(picture, turned):
    height, width = picture.shape
    buffer = np.empty((16, 16), np.uint32)
    for top in range(0, height, 16):
        for left in range(0, width, 16):
            h, w = min(16, height - top), min(16, width - left)
            for y in range(h):
                for x in range(w):
                    buffer[y, x] = picture[top + y, left + x]
            for x in range(w):
                for y in range(h):
                    turned[left + x, top + y] = buffer[y, x]
"""


def copies(copy, width):
    """A picture of strips that are turned by a copy: it has to read down their columns as well."""
    return f"""
def turn(picture, turned):
    for left in range(0, max(picture.shape[1], 1), {width}):
        strip = picture[:, left : left + {width}]
        turned[left : left + {width}] = {copy}
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
    # A quarter of a line of both: each is fetched twice and more.
    "a_quarter_of_a_line": (blocks(4, 4), points(2, 0, 0)),
    # High enough for the lines of the turned picture, but too narrow for those of the picture: these come again for
    # each block, so the first level is not content.
    "half_way": (blocks(16, 4), points(2, 0, 4)),
    "nearly_a_half_line": (blocks(16, 7), points(2, 0.5, 4)),
    # A square of a line by a line, through a buffer that lies in order: allowed, and as good as it gets.
    "buffer": (BUFFER, points(2, 3, 4)),
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
    # The same in a copy, which NumPy makes in the order in which it writes; of the whole picture, and of strips.
    "copy": (copies("strip.T.copy()", 1 << 20), points(2, 0, 0)),
    "copies_of_strips": (copies("np.ascontiguousarray(strip.T)", 8), points(2, 0, 0)),
    "copied_into": (
        """
def turn(picture, turned):
    np.copyto(turned, picture.T)
""",
        points(2, 0, 0),
    ),
    # A product with ones on the diagonal: nobody knows in which order that reads.
    "product": (
        """
def turn(picture, turned):
    turned[:] = picture.T @ np.eye(len(picture), dtype=np.uint32)
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
