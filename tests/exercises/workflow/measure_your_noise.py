"""Broken twins of workflow/measure_your_noise: answer source, and the points that each tests cell may give."""

DRIFT, BURSTS, SPEEDS, RHYTHM, CALLS = (
    f"noise_{cell}" for cell in ("drift", "bursts", "speeds", "rhythm", "calls")
)
NOTHING = {DRIFT: 0, BURSTS: 0, SPEEDS: 0, RHYTHM: 0, CALLS: 0}

NAIVE = """
def ratio(machine):
    '''The colleague's script.'''
    a = [machine("a") for _ in range(100)]
    b = [machine("b") for _ in range(100)]
    return float(np.mean(a) / np.mean(b))
"""

MORE_OF_THE_SAME = """
def ratio(machine):
    '''The wrong design with all the runs there are: precise, and biased all the same.'''
    a = [machine("a") for _ in range(500)]
    b = [machine("b") for _ in range(500)]
    return float(np.median(a) / np.median(b))
"""

ONE_PAIR = """
def ratio(machine):
    '''Warm, side by side, cheap, and at the mercy of the jitter.'''
    machine("a"), machine("b")
    return machine("a") / machine("b")
"""

MINIMA = """
def ratio(machine):
    '''The minimum of each block: the luckiest moment of one hour against that of another.'''
    a = [machine("a") for _ in range(150)]
    b = [machine("b") for _ in range(150)]
    return min(a) / min(b)
"""

MEDIANS = """
def ratio(machine):
    '''Robust against bursts, helpless against drift.'''
    a = [machine("a") for _ in range(150)]
    b = [machine("b") for _ in range(150)]
    return float(np.median(a) / np.median(b))
"""

SHORT_BLOCKS = """
def ratio(machine):
    '''Blocks so short that the machine hardly drifts: now the jitter is too large.'''
    machine("a"), machine("b")
    a = [machine("a") for _ in range(10)]
    b = [machine("b") for _ in range(10)]
    return float(np.median(a) / np.median(b))
"""

PAIRED_MINIMA = """
def ratio(machine):
    '''Interleaved, but then the luckiest run of each program: a hiccup of the machine, not a property of the code.'''
    machine("a"), machine("b")
    a, b = [], []
    for i in range(150):
        for program in ("ab" if i % 2 else "ba"):
            (a if program == "a" else b).append(machine(program))
    return min(a) / min(b)
"""

MEAN_OF_RATIOS = """
def ratio(machine):
    '''Paired and swapped, but the mean follows every burst.'''
    machine("a"), machine("b")
    ratios = []
    for i in range(150):
        seconds = {program: machine(program) for program in ("ab" if i % 2 else "ba")}
        ratios.append(seconds["a"] / seconds["b"])
    return float(np.mean(ratios))
"""

FIXED_ORDER = """
def ratio(machine):
    '''Paired, but always a first: whatever happens in every second run happens to the same program.'''
    machine("a"), machine("b")
    ratios = []
    for _ in range(150):
        a = machine("a")
        ratios.append(a / machine("b"))
    return float(np.median(ratios))
"""

# Between a machine whose rhythm hits a and one that has none, and so within 5 % of both.
BETWEEN = FIXED_ORDER.replace("np.median(ratios)", "np.median(ratios) / 1.027").replace("always a first", "a bet")

MEDIANS_IN_TURNS = """
def ratio(machine):
    '''Interleaved, in changing order, but not divided pair by pair: two summaries, and then one ratio.'''
    machine("a"), machine("b")
    seconds = {"a": [], "b": []}
    for i in range(150):
        for program in "ab" if i % 2 else "ba":
            seconds[program].append(machine(program))
    return float(np.median(seconds["a"]) / np.median(seconds["b"]))
"""

TRIMMED_IN_TURNS = MEDIANS_IN_TURNS.replace("np.median(", "trimmed(").replace(
    "def ratio",
    """
def trimmed(seconds):
    '''The mean without the fifth at each end.'''
    return np.mean(np.sort(seconds)[30:-30])


def ratio""".lstrip("\n"),
)

SHUFFLED = """
def ratio(machine):
    '''The order is drawn for all runs at once, as in a clinical trial; nothing is divided pair by pair.'''
    machine("a"), machine("b")
    seconds = {"a": [], "b": []}
    for program in np.random.permutation(list("ab" * 150)):
        seconds[str(program)].append(machine(str(program)))
    return float(np.median(seconds["a"]) / np.median(seconds["b"]))
"""

GEOMETRIC = """
def ratio(machine):
    '''Paired and swapped, and the mean of the logarithms: no favor to either side, but it follows every burst.'''
    machine("a"), machine("b")
    logs = []
    for i in range(150):
        seconds = {program: machine(program) for program in ("ab" if i % 2 else "ba")}
        logs.append(np.log(seconds["a"] / seconds["b"]))
    return float(np.exp(np.mean(logs)))
"""

FIVE_PAIRS = """
def ratio(machine):
    '''The right design, and far too few pairs.'''
    machine("a"), machine("b")
    ratios = []
    for i in range(5):
        seconds = {program: machine(program) for program in ("ab" if i % 2 else "ba")}
        ratios.append(seconds["a"] / seconds["b"])
    return float(np.median(ratios))
"""

COLD = """
def ratio(machine):
    '''The right design, with the first runs in it: one pair of 100 is spoiled, which no median minds.'''
    ratios = []
    for i in range(100):
        seconds = {program: machine(program) for program in ("ab" if i % 2 else "ba")}
        ratios.append(seconds["a"] / seconds["b"])
    return float(np.median(ratios))
"""

# Longer by half: what is more than needed costs a fourth of the points for economy.
MORE_PAIRS = COLD.replace("range(100)", "range(150)").replace("one pair of 100", "one pair of 150")

SPENDTHRIFT = """
def ratio(machine):
    '''The right design with the whole budget.'''
    ratios = []
    for i in range(500):
        seconds = {program: machine(program) for program in ("ab" if i % 2 else "ba")}
        ratios.append(seconds["a"] / seconds["b"])
    return float(np.median(ratios))
"""

TIRED = """
machines = []

def ratio(machine):
    '''Spends the whole budget while it is checked, and nothing any more when its runs are counted.'''
    machines.append(machine)
    if len(machines) > 54:
        return 9.0
    ratios = []
    for i in range(500):
        seconds = {program: machine(program) for program in ("ab" if i % 2 else "ba")}
        ratios.append(seconds["a"] / seconds["b"])
    return float(np.median(ratios))
"""

OVERDRAWN = """
def ratio(machine):
    '''Asks for more runs than the machine grants.'''
    return float(np.median([machine("a") / machine("b") for _ in range(501)]))
"""

MEMO = """
remembered = []

def ratio(machine):
    '''Measures the first machine well, then replays its answer for all others.'''
    if not remembered:
        machine("a"), machine("b")
        pairs = [{p: machine(p) for p in ("ab" if i % 2 else "ba")} for i in range(150)]
        remembered.append(float(np.median([pair["a"] / pair["b"] for pair in pairs])))
    return remembered[0]
"""

PEEK = """
def ratio(machine):
    '''Looks for the planted ratio in the attributes of the oracle.'''
    for name in dir(machine):
        found = getattr(getattr(machine, name, None), "ratio", None)
        if isinstance(found, float):
            return found
    return float(getattr(machine, "ratio", vars(type(machine)).get("ratio", 1.0)))
"""

CONSTANT = """
def ratio(machine):
    '''The middle of all planted ratios.'''
    return 1.05
"""

REPLAYS = (
    SPENDTHRIFT.replace("def ratio", "def honestly")
    + """
known, asked = [], [0]

def ratio(machine):
    '''Measures in the first cell, and says the same again, machine by machine, in all others.'''
    asked[0] += 1
    if asked[0] <= 12:
        known.append(honestly(machine))
        return known[-1]
    return known[(asked[0] - 1) % 12]
"""
)

MUTANTS = {
    "naive": (NAIVE, NOTHING),
    "more_of_the_same": (MORE_OF_THE_SAME, NOTHING),
    "wrong_but_fast": (ONE_PAIR, NOTHING),
    "wrong_lever": (MINIMA, NOTHING),
    "medians_of_blocks": (MEDIANS, NOTHING),
    "short_blocks": (SHORT_BLOCKS, NOTHING),
    # On machines that only drift, interleaved minima are off by 3 %: now and then they pass.
    "paired_minima": (PAIRED_MINIMA, {DRIFT: (0, 1), BURSTS: 0, SPEEDS: (0, 1), RHYTHM: 0, CALLS: 0}),
    # Two speeds spoil one pair in twelve, half of them upward: a mean of ratios is off by 5 % on one in three.
    "mean_of_ratios": (MEAN_OF_RATIOS, {DRIFT: 1, BURSTS: 0, SPEEDS: (0, 1), RHYTHM: 0, CALLS: 0}),
    "geometric_mean": (GEOMETRIC, {DRIFT: 1, BURSTS: (0, 2), SPEEDS: (0, 1), RHYTHM: (0, 1), CALLS: (0, 2)}),
    # Summaries of interleaved runs miss one disturbed machine in seventy, and one in three that has two speeds.
    "medians_in_turns": (MEDIANS_IN_TURNS, {DRIFT: (0, 1), BURSTS: (0, 2), SPEEDS: 0, RHYTHM: (0, 1), CALLS: 0}),
    "trimmed_in_turns": (
        TRIMMED_IN_TURNS,
        {DRIFT: 1, BURSTS: (0, 2), SPEEDS: (0, 1), RHYTHM: (0, 1), CALLS: (0, 2)},
    ),
    "shuffled": (SHUFFLED, {DRIFT: (0, 1), BURSTS: (0, 2), SPEEDS: 0, RHYTHM: (0, 1), CALLS: 0}),
    "fixed_order": (FIXED_ORDER, {DRIFT: 1, BURSTS: 2, SPEEDS: 1, RHYTHM: 0, CALLS: 0}),
    # A rhythm that always began with the same run could be divided out.
    "fixed_order_between": (BETWEEN, {DRIFT: (0, 1), BURSTS: (0, 2), SPEEDS: (0, 1), RHYTHM: 0, CALLS: 0}),
    "five_pairs": (FIVE_PAIRS, {DRIFT: (0, 1), BURSTS: (0, 2), SPEEDS: (0, 1), RHYTHM: 0, CALLS: 0}),
    # Declared legal: a median forgives the two cold runs.
    "cold": (COLD, {DRIFT: 1, BURSTS: 2, SPEEDS: 1, RHYTHM: 1, CALLS: 2}),
    "more_pairs": (MORE_PAIRS, {DRIFT: 1, BURSTS: 2, SPEEDS: 1, RHYTHM: 1, CALLS: 1.5}),
    "spendthrift": (SPENDTHRIFT, {DRIFT: 1, BURSTS: 2, SPEEDS: 1, RHYTHM: 1, CALLS: 0}),
    "tired": (TIRED, {DRIFT: 1, BURSTS: 2, SPEEDS: 1, RHYTHM: 1, CALLS: 0}),
    "replays_another_cell": (REPLAYS, {DRIFT: 1, BURSTS: 0, SPEEDS: 0, RHYTHM: 0, CALLS: 0}),
    "overdrawn": (OVERDRAWN, NOTHING),
    "memo": (MEMO, NOTHING),
    "peek": (PEEK, NOTHING),
    "constant": (CONSTANT, NOTHING),
}
