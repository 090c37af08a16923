"""Broken twins of cpu/beat_the_predictor: an answer, and the points that each tests cell may give."""

FOOL, FOOLED = "beat_the_predictor_fool", "beat_the_predictor_fooled"
TEACH, LEARNED = "beat_the_predictor_teach", "beat_the_predictor_learned"


def points(fool, fooled, teach, learned):
    return {FOOL: fool, FOOLED: fooled, TEACH: teach, LEARNED: learned}


ADVERSARY = """
def fool(n, history):
    counters = [2] * 2**history
    outcomes = np.empty(n, bool)
    past = 0
    for i in range(n):
        taken = counters[past] < 2
        counters[past] += 1 if taken else -1
        outcomes[i] = taken
        past = (past << 1 | taken) % 2**history
    return outcomes
"""

TAUGHT = """
def teach(n, history):
    return fool(n, history - 1)
"""

MUTANTS = {
    # A coin, which everybody believes to be the worst case.
    "naive": (
        """
def fool(n, history):
    return np.random.default_rng(1).random(n) < 0.5


def teach(n, history):
    return np.arange(n) % 2 == 1
""",
        points(0, 0, 0, 0),
    ),
    # Knows the answers of the small cases, since trying all is feasible there, and tosses a coin for the others.
    "wrong_but_fast": (
        """
def fool(n, history):
    return always_wrong(n, history) if n < 12 else np.random.default_rng(1).random(n) < 0.5


def teach(n, history):
    return always_wrong(n, history - 1) if n < 12 else np.zeros(n, bool)
""",
        points(1, 0, 1, 0),
    ),
    # Back and forth: it fools a counter, whose history is 0, and every history learns it at once.
    "wrong_lever": (
        """
def fool(n, history):
    return np.arange(n) % 2 == 1


def teach(n, history):
    return np.arange(n) % 2 == 1
""",
        points(0, 0, 0, 0),
    ),
    # Half of the way: a good opponent at first, who gets tired and tosses a coin.
    "half_way": (
        """
def fool(n, history):
    outcomes = np.random.default_rng(1).random(n) < 0.5
    last = [True] * 2**history
    past = 0
    for i in range(min(n, 8_000)):
        outcomes[i] = last[past] = not last[past]
        past = (past << 1 | bool(outcomes[i])) % 2**history
    return outcomes


def teach(n, history):
    outcomes = np.resize(fool(256, history - 1), n)
    outcomes[n // 2 :: 4] = True
    return outcomes
""",
        points(1, (0.5, 2), (0, 1), 0),
    ),
    # Teaches by what is easy to learn: a weaker predictor learns it too.
    "teaches_the_constant": (
        ADVERSARY
        + """
def teach(n, history):
    return np.zeros(n, bool)
""",
        points(1, 4, 0, 0),
    ),
    # Teaches what repeats with every pattern of the history once, but not so that a shorter history is always wrong.
    "teaches_any_de_bruijn_sequence": (
        ADVERSARY
        + """
def teach(n, history):
    seen, outcomes = {(False,) * history}, [False] * history
    for _ in range(2**history - 1):
        for one in (True, False):
            pattern = (*outcomes[len(outcomes) - history + 1 :], one)
            if pattern not in seen:
                break
        seen.add(pattern)
        outcomes.append(one)
    return np.resize(np.array(outcomes[: 2**history], bool), n)
""",
        points(1, 4, 0, 0),
    ),
    # Asks the given function for each outcome, from the first one on each time: the task allows it.
    "asks_the_given_function": (
        """
def fool(n, history):
    outcomes = np.zeros(n, bool)
    for i in range(n):
        outcomes[i] = not wrong_guesses(outcomes[: i + 1], history)[i]
    return outcomes
"""
        + TAUGHT,
        points(1, 4, 1, 2),
    ),
    # Collects outcomes in a list: right, as there is always one to collect.
    "collects_in_a_list": (
        ADVERSARY.replace("np.empty(n, bool)", "[]")
        .replace("outcomes[i] = taken", "outcomes.append(taken)")
        .replace("return outcomes", "return np.array(outcomes)")
        + TAUGHT,
        points(1, 4, 1, 2),
    ),
    # Half of the exercise: the worst case, and nothing to learn.
    "fools_only": (
        ADVERSARY
        + """
def teach(n, history):
    return fool(n, history)
""",
        points(1, 4, 0, 0),
    ),
    # Remembers the outcomes by their number alone.
    "memo": (
        """
memo = {}


def fool(n, history):
    if n not in memo:
        memo[n] = always_wrong(n, history) if n < 12 else np.random.default_rng(1).random(n) < 0.5
    return memo[n]
"""
        + TAUGHT,
        points(0, 0, 0, 0),
    ),
    # Off by one: it fools the history that is longer.
    "off_by_one": (
        ADVERSARY.replace("2**history", "2 ** (history + 1)") + TAUGHT,
        points(0, 0, 0, 0),
    ),
    # Strings of 0 and 1.
    "wrong_type": (
        ADVERSARY.replace("return outcomes", "return outcomes.astype(np.int64)") + TAUGHT,
        points(0, 0, 0, 0),
    ),
}
