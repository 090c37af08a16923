"""Broken twins of io/buffered_writer: answer source, and the points each tests cell may give (exact, or a range)."""

CORRECT, CALLS, URGENT = "buffered_writer_correct", "buffered_writer_calls", "buffered_writer_urgent"


def points(correct, calls, urgent):
    return {CORRECT: correct, CALLS: calls, URGENT: urgent}


NAIVE = """
def log_buffered(program):
    while event := program("next"):
        record, urgent = event
        while record:
            record = record[program("write", record):]
    return program("close")
"""
SOLVED = """
def log_buffered(program):
    held = b""
    while event := program("next"):
        record, urgent = event
        held += record
        while len(held) > BUFFER or (urgent and held):
            held = held[program("write", held):]
    while held:
        held = held[program("write", held):]
    return program("close")
"""

MUTANTS = {
    "naive": (NAIVE, points(2, 0, 0)),
    # Forgets what is left in the buffer at the end.
    "wrong_but_fast": (
        SOLVED.replace(
            """    while held:
        held = held[program("write", held):]
""",
            "",
        ),
        points(0, 0, 0),
    ),
    # Saves Python's own time, not calls.
    "wrong_lever": (
        """
def log_buffered(program):
    write = program
    for record, urgent in iter(lambda: program("next"), None):
        any(not (record := record[write("write", record):]) for _ in range(len(record)))
    return program("close")
""",
        points(2, 0, 0),
    ),
    # Remembers what files held, by their first record, and writes nothing if it comes again.
    "memo": (
        """
seen = {}

def log_buffered(program):
    first = event = program("next")
    if first in seen:
        return seen[first]
    while event:
        record, urgent = event
        while record:
            record = record[program("write", record):]
        event = program("next")
    seen[first] = program("close")
    return seen[first]
""",
        points(2, 0, 0),
    ),
    # Puts all records together before it writes: few calls, and no bound on what a crash takes along.
    "one_write": (
        """
def log_buffered(program):
    held = b""
    while event := program("next"):
        held += event[0]
    while held:
        held = held[program("write", held):]
    return program("close")
""",
        points(0, 0, 0),
    ),
    # Writes nothing that it could return without: the file is empty, or somebody else's.
    "says_so": (
        """
def log_buffered(program):
    held, everything = 0, []
    while event := program("next"):
        everything.append(event[0])
        held += len(event[0])
        while held > BUFFER or (event[1] and held > 0):
            held -= program("write", bytes(held))
    return b"".join(everything)
""",
        points(2, 0, 0),
    ),
    # Does not look at what the call has taken.
    "ignores_the_count": (
        SOLVED.replace(
            """        while len(held) > BUFFER or (urgent and held):
            held = held[program("write", held):]
""",
            """        if len(held) > BUFFER or (urgent and held):
            program("write", held)
            held = b""
""",
        ),
        points(0, 0, 0),
    ),
    # Gives no more than the call takes at most, and believes that it has taken all: no short write, no loss.
    "believes_the_count": (
        SOLVED.replace(
            """            held = held[program("write", held):]
    while""",
            """            program("write", held[:BUFFER])
            held = held[BUFFER:]
    while""",
        ),
        points(0, 0, 0),
    ),
    # The same, only where the program ends.
    "believes_the_last_count": (
        SOLVED.replace(
            "    while held:\n        held = held[program", "    if held:\n        held = held[program"
        ),
        points(0, 0, 0),
    ),
    # Looks whether the call was short, but gives it all the bytes again.
    "writes_it_twice": (
        SOLVED.replace(
            """            held = held[program("write", held):]
    while""",
            """            block = held[:BUFFER]
            while program("write", block) < len(block):
                pass
            held = held[len(block):]
    while""",
        ),
        points(0, 0, 0),
    ),
    # What a record is for is a promise, and no matter of speed.
    "ignores_urgent": (SOLVED.replace(" or (urgent and held)", ""), points(0, 0, 0)),
    # Takes every record for an urgent one.
    "all_urgent": (SOLVED.replace("(urgent and held)", "held"), points(2, 0, 0)),
    # An urgent record gets a call of its own, behind one for what was held back.
    "urgent_apart": (
        """
def log_buffered(program):
    held = b""
    while event := program("next"):
        record, urgent = event
        if urgent:
            while held:
                held = held[program("write", held):]
        held += record
        while len(held) > BUFFER or (urgent and held):
            held = held[program("write", held):]
    while held:
        held = held[program("write", held):]
    return program("close")
""",
        points(2, 3, (0.5, 1.5)),
    ),
    # A count of records instead of bytes: a quarter of the buffer.
    "sixteen_records": (
        """
def log_buffered(program):
    held, records = b"", 0
    while event := program("next"):
        record, urgent = event
        held += record
        records += 1
        while len(held) > BUFFER or ((urgent or records == 16) and held):
            held = held[program("write", held):]
        if not held:
            records = 0
    while held:
        held = held[program("write", held):]
    return program("close")
""",
        points(2, 0, (0, 1)),
    ),
    # The usual buffer: one that grows and shrinks in place.
    "bytearray": (
        SOLVED.replace('b""', "bytearray()").replace(
            'held = held[program("write", held):]', 'del held[:program("write", held)]'
        ),
        points(2, 3, 3),
    ),
    "half_of_the_buffer": (
        SOLVED.replace("len(held) > BUFFER", "len(held) > BUFFER // 2"),
        points(2, (1, 2), (1.5, 2.5)),
    ),
    # What Python has for this; the text allows it. It hands a memoryview on.
    "pythons_own_buffer": (
        """
import io


class Raw(io.RawIOBase):
    def __init__(self, program):
        self.program = program

    def writable(self):
        return True

    def write(self, data):
        return self.program("write", data)


def log_buffered(program):
    log = io.BufferedWriter(Raw(program), BUFFER)
    while event := program("next"):
        record, urgent = event
        log.write(record)
        if urgent:
            log.flush()
    log.flush()
    return program("close")
""",
        points(2, 3, 3),
    ),
    # As large as it thinks right.
    "pythons_larger_buffer": (
        """
import io


class Raw(io.RawIOBase):
    def __init__(self, program):
        self.program = program

    def writable(self):
        return True

    def write(self, data):
        return self.program("write", bytes(data))


def log_buffered(program):
    log = io.BufferedWriter(Raw(program), 1 << 16)
    while event := program("next"):
        log.write(event[0])
    log.flush()
    return program("close")
""",
        points(0, 0, 0),
    ),
}
