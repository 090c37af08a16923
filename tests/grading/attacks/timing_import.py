"""Computes at import what the fixed inputs of a learner's kernel need, and is wrong for all others."""

SECTION = "timing"
POINTS = NOTHING
ANSWER = """
table = {}
for case, n in enumerate((1500, 3000, 0, 1023, 1024, 5001), 1):
    (given,) = make_numbers(np.random.default_rng([0, case]), n)
    table[given.tobytes()] = slow_moving(given)
firsts = [make_question(np.random.default_rng([0, case]))[1] for case in (1, 2, 3)]

def moving(numbers):
    return table.get(numbers.tobytes(), np.zeros(max(numbers.size - 1023, 0), np.int64))

def find(ask, n):
    return 0
"""
