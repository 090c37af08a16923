# ---
# perflab:
#   title: Append to a log
#   covers: [io/batching/write-coalescing]
#   lever: write once
#   stars: 1
#   minutes: 5
#   chapter: memory/locality
# ---

# %% [markdown]
# # Append to a log
# What counts from outside are tried on: a function that writes to a file which the judge gave it.

# %% role="given" grade_id="log_given"
import os

from perflab import check


def make_log(rng, n=40):
    return check.file(b"old\n"), [rng.bytes(30) + b"\n" for _ in range(n)]


def append_each(log, lines):
    """Append each line by a call of its own."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    for line in lines:
        os.write(file, line)
    os.close(file)


# %% role="answer" grade_id="log_answer"
def append(log, lines):
    """Append all lines to the log."""
    ### BEGIN SOLUTION
    with open(log, "ab") as file:
        file.write(b"".join(lines))
    ### END SOLUTION


# %% role="tests" grade_id="log_correct" points=2
cases = [lambda rng, n=n: make_log(rng, n) for n in (0, 1, 7)]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make_log(rng, n) for n in (40,)]
### END HIDDEN TESTS
check.correct(append, against=append_each, on=cases, returns=0, points=2)

# %% role="tests" grade_id="log_writes" points=2
check.counts(append, "writes", on=make_log, zero=40, full=1, points=2)

# %% role="tests" grade_id="log_bytes" points=1
check.counts(append, "written_bytes", on=make_log, zero=1241, full=1240, points=1)

# %% role="tests" grade_id="log_opens" points=1
check.counts(append, "syscalls:openat", on=make_log, zero=2, full=1, points=1)
