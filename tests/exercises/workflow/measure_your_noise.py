"""Broken twins of workflow/measure_your_noise: answer source, and the points that each tests cell may give."""

DRIFT, BURSTS, RHYTHM, CALLS = "noise_drift", "noise_bursts", "noise_rhythm", "noise_calls"
NOTHING = {DRIFT: 0, BURSTS: 0, RHYTHM: 0, CALLS: 0}

NAIVE = """
def ratio(machine):
    '''The colleague's script.'''
    a = [machine("a") for _ in range(100)]
    b = [machine("b") for _ in range(100)]
    return float(np.mean(b) / np.mean(a))
"""

MORE_OF_THE_SAME = """
def ratio(machine):
    '''The wrong design with all the runs there are: precise, and biased all the same.'''
    a = [machine("a") for _ in range(500)]
    b = [machine("b") for _ in range(500)]
    return float(np.median(b) / np.median(a))
"""

ONE_PAIR = """
def ratio(machine):
    '''Warm, side by side, cheap, and at the mercy of the jitter.'''
    machine("a"), machine("b")
    return machine("b") / machine("a")
"""

MINIMA = """
def ratio(machine):
    '''The minimum of each block: the luckiest moment of one hour against that of another.'''
    a = [machine("a") for _ in range(150)]
    b = [machine("b") for _ in range(150)]
    return min(b) / min(a)
"""

MEDIANS = """
def ratio(machine):
    '''Robust against bursts, helpless against drift.'''
    a = [machine("a") for _ in range(150)]
    b = [machine("b") for _ in range(150)]
    return float(np.median(b) / np.median(a))
"""

SHORT_BLOCKS = """
def ratio(machine):
    '''Blocks so short that the machine hardly drifts: now the jitter is too large.'''
    machine("a"), machine("b")
    a = [machine("a") for _ in range(10)]
    b = [machine("b") for _ in range(10)]
    return float(np.median(b) / np.median(a))
"""

PAIRED_MINIMA = """
def ratio(machine):
    '''Interleaved, but then the luckiest run of each program: a hiccup of the machine, not a property of the code.'''
    machine("a"), machine("b")
    a, b = [], []
    for i in range(150):
        for program in ("ab" if i % 2 else "ba"):
            (a if program == "a" else b).append(machine(program))
    return min(b) / min(a)
"""

MEAN_OF_RATIOS = """
def ratio(machine):
    '''Paired and swapped, but the mean follows every burst.'''
    machine("a"), machine("b")
    ratios = []
    for i in range(150):
        seconds = {program: machine(program) for program in ("ab" if i % 2 else "ba")}
        ratios.append(seconds["b"] / seconds["a"])
    return float(np.mean(ratios))
"""

FIXED_ORDER = """
def ratio(machine):
    '''Paired, but always a first: whatever happens in every second run happens to the same program.'''
    machine("a"), machine("b")
    ratios = []
    for _ in range(150):
        a = machine("a")
        ratios.append(machine("b") / a)
    return float(np.median(ratios))
"""

SPENDTHRIFT = """
def ratio(machine):
    '''The right design with the whole budget.'''
    ratios = []
    for i in range(500):
        seconds = {program: machine(program) for program in ("ab" if i % 2 else "ba")}
        ratios.append(seconds["b"] / seconds["a"])
    return float(np.median(ratios))
"""

TIRED = """
machines = []

def ratio(machine):
    '''Spends the whole budget while it is checked, and nothing any more when its runs are counted.'''
    machines.append(machine)
    if len(machines) > 46:
        return 9.0
    ratios = []
    for i in range(500):
        seconds = {program: machine(program) for program in ("ab" if i % 2 else "ba")}
        ratios.append(seconds["b"] / seconds["a"])
    return float(np.median(ratios))
"""

OVERDRAWN = """
def ratio(machine):
    '''Asks for more runs than the machine grants.'''
    return float(np.median([machine("b") / machine("a") for _ in range(501)]))
"""

MEMO = """
remembered = []

def ratio(machine):
    '''Measures the first machine well, then replays its answer for all others.'''
    if not remembered:
        machine("a"), machine("b")
        pairs = [{p: machine(p) for p in ("ab" if i % 2 else "ba")} for i in range(150)]
        remembered.append(float(np.median([pair["b"] / pair["a"] for pair in pairs])))
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
    if asked[0] <= 16:
        known.append(honestly(machine))
        return known[-1]
    return known[(asked[0] - 1) % 16]
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
    "paired_minima": (PAIRED_MINIMA, {DRIFT: (0, 2), BURSTS: 0, RHYTHM: 0, CALLS: (0, 2)}),
    # The machine on which runs are counted is disturbed: one answer in three happens to be right there.
    "mean_of_ratios": (MEAN_OF_RATIOS, {DRIFT: 2, BURSTS: 0, RHYTHM: 0, CALLS: (0, 2)}),
    "fixed_order": (FIXED_ORDER, {DRIFT: 2, BURSTS: 2, RHYTHM: 0, CALLS: 0}),
    "spendthrift": (SPENDTHRIFT, {DRIFT: 2, BURSTS: 2, RHYTHM: 1, CALLS: 0}),
    "tired": (TIRED, {DRIFT: 2, BURSTS: 2, RHYTHM: 1, CALLS: 0}),
    "replays_another_cell": (REPLAYS, {DRIFT: 2, BURSTS: 0, RHYTHM: 0, CALLS: 0}),
    "overdrawn": (OVERDRAWN, NOTHING),
    "memo": (MEMO, NOTHING),
    "peek": (PEEK, NOTHING),
    "constant": (CONSTANT, NOTHING),
}
