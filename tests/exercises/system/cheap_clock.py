"""Broken twins of system/cheap_clock: answer source, and the points each tests cell may give (exact, or a range)."""

STEADY, COST = "cheap_clock_steady", "cheap_clock_cost"
ADJUSTED, ADJUSTED_COST = "cheap_clock_adjusted", "cheap_clock_adjusted_cost"


def points(steady, cost, adjusted, adjusted_cost):
    return {STEADY: steady, COST: cost, ADJUSTED: adjusted, ADJUSTED_COST: adjusted_cost}


# Pairs of readings: before the first event, behind every so many, and behind the last one.
IN_PAIRS = """
def stamps(machine):
    ticks, pairs = [], [(machine("ticks"), machine("clock"))]
    while machine("event"):
        ticks.append(machine("ticks"))
        if len(ticks) % EVERY == 0:
            pairs.append((machine("ticks"), machine("clock")))
    LAST
    known = np.array(pairs, float)
    return np.interp(ticks, known[:, 0], known[:, 1])
"""
END = 'pairs.append((machine("ticks"), machine("clock")))'


def in_pairs(every, last=END):
    return IN_PAIRS.replace("EVERY", str(every)).replace("LAST", last)


MUTANTS = {
    "naive": (
        """
def stamps(machine):
    times = []
    while machine("event"):
        times.append(machine("clock"))
    return np.array(times, float)
""",
        points(1, 0, 1, 0),
    ),
    "delegated": ("\ndef stamps(machine):\n    return stamps_by_clock(machine)\n", points(1, 0, 1, 0)),
    # One reading of each, and the length of a tick from the data sheet.
    "wrong_but_fast": (
        """
def stamps(machine):
    first, since = machine("ticks"), machine("clock")
    ticks = []
    while machine("event"):
        ticks.append(machine("ticks"))
    return since + np.array([tick - first for tick in ticks], float) / NOMINAL
""",
        points(0, 0, 0, 0),
    ),
    # Reads both for each event: the counter for nothing.
    "wrong_lever": (in_pairs(1), points(1, 0, 1, 0)),
    # Real clocks are cheap, and know nothing of these machines.
    "real_clock": (
        """
import time

def stamps(machine):
    since, start, times = machine("clock"), time.monotonic_ns(), []
    while machine("event"):
        times.append(since + time.monotonic_ns() - start)
    return np.array(times, float)
""",
        points(0, 0, 0, 0),
    ),
    # Shares a reading among events that come one after the other.
    "coarse": (
        """
def stamps(machine):
    times = []
    while machine("event"):
        if len(times) % 10 == 0:
            now = machine("clock")
        times.append(now)
    return np.array(times, float)
""",
        points(0, 0, 0, 0),
    ),
    # The lever half done: one rate for the whole run; or a pair more often than needed.
    "one_rate": (in_pairs(10**9), points(1, 2, 0, 0)),
    "many_pairs": (in_pairs(4), points(1, 1, 1, 1.5)),
    # A pair so rarely that the clock has turned by then.
    "few_pairs": (in_pairs(150), points(1, 2, 0, 0)),
    # What the hint's quarter comes to for average gaps: one machine of five has longer ones where its clock turns.
    **{f"no_room_for_long_gaps_{every}": (in_pairs(every), points(1, 2, 0, 0)) for every in (36, 40)},
    "room_for_long_gaps": (in_pairs(24), points(1, 2, 1, 3)),
    # Nothing behind the last event: its time is that of the last pair. No distance of pairs happens to end there each time.
    **{f"no_end_{every}": (in_pairs(every, "pass"), points(0, 0, 0, 0)) for every in (9, 12, 17, 18, 34)},
    "no_end_from_the_first": (
        in_pairs(9, "pass").replace("len(ticks) %", "(len(ticks) - 1) %"),
        points(0, 0, 0, 0),
    ),
    # Remembers the rate of the first machine that it met.
    "memo": (
        """
known = []

def stamps(machine):
    first, since, ticks = machine("ticks"), machine("clock"), []
    while machine("event"):
        ticks.append(machine("ticks"))
    if not known:
        known.append((machine("clock") - since) / max(machine("ticks") - first, 1))
    return since + np.array([tick - first for tick in ticks], float) * known[0]
""",
        points(0, 0, 0, 0),
    ),
}
