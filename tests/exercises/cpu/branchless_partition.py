"""Broken twins of cpu/branchless_partition: an answer, and the points that each tests cell may give."""

CORRECT, MEMORY, BRANCHES, SPEED = (
    f"branchless_partition_{cell}" for cell in ("correct", "memory", "branches", "speed")
)


def points(correct, memory, branches, speed):
    return {CORRECT: correct, MEMORY: memory, BRANCHES: branches, SPEED: speed}


SLOWLY = """
@njit
def {name}(queue, split):
    front = 0
    for i in range({first}, queue.size):
        event = queue[i]
        if {condition}:
            queue[i] = queue[front]
            queue[front] = event
            front += 1
    split[0] = front
"""
NAIVE = SLOWLY.format(name="urgent_first", first=0, condition="event >= URGENT")

MUTANTS = {
    # The slow code.
    "naive": (NAIVE, points(1, 1.5, 0, 0)),
    # Says the right number and moves nothing.
    "wrong_but_fast": (
        """
@njit
def urgent_first(queue, split):
    urgent = 0
    for i in range(queue.size):
        urgent += queue[i] >= URGENT
    split[0] = urgent
""",
        points(0, 0, 0, 0),
    ),
    # The chapter's code, pasted: always write, sometimes advance. It loses events.
    "the_chapters_code": (
        """
@njit
def urgent_first(queue, split):
    front = 0
    for i in range(queue.size):
        queue[front] = queue[i]
        front += queue[i] >= URGENT
    split[0] = front
""",
        points(0, 0, 0, 0),
    ),
    # Swaps in every round, so that the others get into another order.
    "always_swaps": (
        """
@njit
def urgent_first(queue, split):
    front = 0
    for i in range(queue.size):
        event = queue[i]
        queue[i] = queue[front]
        queue[front] = event
        front += event >= URGENT
    split[0] = front
""",
        points(0, 0, 0, 0),
    ),
    # A library does it, in an order of its own.
    "the_library": (
        """
def urgent_first(queue, split):
    urgent = queue >= URGENT
    split[0] = np.count_nonzero(urgent)
    queue[:] = np.concatenate((queue[urgent], queue[~urgent]))
""",
        points(0, 0, 0, 0),
    ),
    # Sorting does it too, and more than it.
    "sorts": (
        """
def urgent_first(queue, split):
    split[0] = np.count_nonzero(queue >= URGENT)
    queue[:] = np.sort(queue)[::-1]
""",
        points(0, 0, 0, 0),
    ),
    # From both ends: another order, and as many wrong guesses.
    "from_both_ends": (
        """
@njit
def urgent_first(queue, split):
    front, back = 0, queue.size
    while front < back:
        if queue[front] >= URGENT:
            front += 1
        else:
            back -= 1
            queue[front], queue[back] = queue[back], queue[front]
    split[0] = front
""",
        points(0, 0, 0, 0),
    ),
    # A hint to the compiler: other code, the same guesses.
    "wrong_lever": (
        "from perflab.hints import unlikely\n\n"
        + SLOWLY.format(name="urgent_first", first=0, condition="unlikely(event >= URGENT)"),
        points(1, 1.5, 0, 0),
    ),
    # Lets the given code do it.
    "delegates": (
        """
@njit
def urgent_first(queue, split):
    urgent_first_branchy(queue, split)
""",
        points(1, 1.5, 0, 0),
    ),
    # Half of the lever: the number needs no branch any more, and the swap still has one.
    "counts_without_a_branch": (
        """
@njit
def urgent_first(queue, split):
    front = 0
    for i in range(queue.size):
        event = queue[i]
        urgent = event >= URGENT
        if urgent:
            queue[i], queue[front] = queue[front], event
        front += urgent
    split[0] = front
""",
        points(1, 1.5, 0, 0),
    ),
    # Half of the way: the second half of the queue asks as before.
    "half_way": (
        """
@njit
def urgent_first(queue, split):
    front = 0
    half = queue.size // 2
    for i in range(half):
        event = queue[i]
        urgent = np.int64(event >= URGENT)
        where = i - (i - front) * urgent
        queue[i] = queue[where]
        queue[where] = event
        front += urgent
    for i in range(half, queue.size):
        event = queue[i]
        if event >= URGENT:
            queue[i] = queue[front]
            queue[front] = event
            front += 1
    split[0] = front
""",
        points(1, 1.5, 0, (0, 1)),
    ),
    # The slow code, and beside it a loop that works more and branches less.
    "another_loop_after_it": (
        NAIVE
        + """    for i in range(split.size):
        for j in range(split.size):
            split[j] += i * j
""",
        points(1, 1.5, 0, 0),
    ),
    # The slow code, and a loop inside, so that the branch is in no innermost loop.
    "another_loop_inside": (
        """
@njit
def urgent_first(queue, split):
    front = 0
    for i in range(queue.size):
        event = queue[i]
        if event >= URGENT:
            queue[i] = queue[front]
            queue[front] = event
            front += 1
        for k in range(split.size):
            split[k] += k
    split[0] = front
""",
        points(1, 1.5, 0, 0),
    ),
    # The branch is the end of a loop that skips.
    "skips": (
        """
@njit
def urgent_first(queue, split):
    front = i = 0
    while True:
        while i < queue.size and queue[i] < URGENT:
            i += 1
        if i >= queue.size:
            break
        event = queue[i]
        queue[i] = queue[front]
        queue[front] = event
        front += 1
        i += 1
    split[0] = front
""",
        points(1, 1.5, 0, 0),
    ),
    # The chapter's code, pasted, for the places of the urgent events, and swaps: no branch, and a second array.
    "places_of_all": (
        """
@njit
def urgent_first(queue, split):
    places = np.empty(queue.size, np.int64)
    urgent = 0
    for i in range(queue.size):
        places[urgent] = i
        urgent += queue[i] >= URGENT
    for front in range(urgent):
        i = places[front]
        queue[i], queue[front] = queue[front], queue[i]
    split[0] = urgent
""",
        points(1, 0, 3.5, (0, 1)),
    ),
    # Arithmetic says where, in place of a conditional expression.
    "computes_where": (
        """
@njit
def urgent_first(queue, split):
    front = 0
    for i in range(queue.size):
        event = queue[i]
        urgent = np.int64(event >= URGENT)
        where = i - (i - front) * urgent
        queue[i] = queue[where]
        queue[where] = event
        front += urgent
    split[0] = front
""",
        points(1, 1.5, 3.5, (0, 1)),
    ),
    # No branch either, and slow: nothing but the clock may take points from it. A mask swaps or does not.
    "swaps_with_a_mask": (
        """
@njit
def urgent_first(queue, split):
    front = 0
    for i in range(queue.size):
        event, other = queue[i], queue[front]
        urgent = np.int64(event >= URGENT)
        changed = (event ^ other) & -urgent
        queue[i] = event ^ changed
        queue[front] = other ^ changed
        front += urgent
    split[0] = front
""",
        points(1, 1.5, 3.5, (0, 1)),
    ),
    # Nor here: where the swap goes stands in a table of two places.
    "looks_up_where": (
        """
@njit
def urgent_first(queue, split):
    front = 0
    places = np.empty(2, np.int64)
    for i in range(queue.size):
        event = queue[i]
        urgent = np.int64(event >= URGENT)
        places[0], places[1] = i, front
        where = places[urgent]
        queue[i] = queue[where]
        queue[where] = event
        front += urgent
    split[0] = front
""",
        points(1, 1.5, 3.5, (0, 1)),
    ),
    # Places again, as small as they can be.
    "small_places_of_all": (
        """
@njit
def urgent_first(queue, split):
    if queue.size > 65535:
        return urgent_first_branchy(queue, split)
    places = np.empty(queue.size, np.uint16)
    urgent = 0
    for i in range(queue.size):
        places[urgent] = i
        urgent += queue[i] >= URGENT
    for front in range(urgent):
        i = places[front]
        queue[i], queue[front] = queue[front], queue[i]
    split[0] = urgent
""",
        points(1, 0, (0, 3.5), 0),
    ),
    # Answers with what came out for a queue that looks the same: no queue comes twice.
    "memo": (
        SLOWLY.format(name="slowly", first=0, condition="event >= URGENT")
        + """
memo = {}


def urgent_first(queue, split):
    key = queue.size, queue[:64].tobytes()
    if key not in memo:
        slowly(queue, split)
        memo[key] = queue.copy(), split.copy()
    queue[:], split[:] = memo[key]
""",
        points(1, 0, 0, 0),
    ),
}
