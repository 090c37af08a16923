"""Messages and values between the judge and a sandbox, also from one that does not play by the rules."""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import namedtuple
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest
from tempo import NET, within

from perflab.check.values import materialize
from perflab.guest import channel
from perflab.guest.channel import ChannelError
from perflab.guest.codec import (
    MAX_ALIKE,
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_NODES,
    CodecError,
    Decoder,
    Layout,
    encode,
    records,
)
from perflab.guest.shells import MOST_OUTPUTS, MOST_TEXT, Plain, _shown

Pair = namedtuple("Pair", "first second")


@dataclass
class Body:
    mass: float
    place: tuple


RECORD = np.dtype([("x", np.float32, (2,)), ("in", [("a", "u1"), ("b", "<i8")])], align=True)
TYPES = records({"Pair": Pair, "Body": Body, "int": int, "one": 1})


def crossed(value):
    """Return a value after it went through JSON and memory."""
    layout = Layout()
    tree = json.loads(json.dumps(encode(value, layout)))
    memory = bytearray(layout.size)
    for offset, array in layout.arrays:
        memory[offset : offset + array.nbytes] = array.tobytes("A")

    def array(dtype, shape, order, offset):
        return np.ndarray(shape, dtype, memory, offset, order=order) if layout.size else np.empty(shape, dtype)

    return Decoder(array, TYPES)(tree)


def decoded(tree):
    return Decoder(lambda dtype, shape, order, offset: np.zeros(shape, dtype), TYPES)(tree)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, -(2**70), 0.1, float("inf"), 1 - 2j, "text \x00 \U0001f600", b"\x00\xff"),
        *(
            np.float32(0.1),
            np.int8(-3),
            np.True_,
            np.datetime64("2026-11-25"),
            (),
            [1, (2.0, "a")],
            {"a": {1: b""}},
        ),
        *(Pair(1, (2,)), Body(1.5, (1, 2))),
    ],
    ids=repr,
)
def test_values_cross_unchanged(value):
    found = crossed(value)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "array",
    [
        *(np.arange(6), np.arange(6.0).reshape(2, 3), np.asfortranarray(np.ones((3, 2))), np.zeros((0, 3), "i2")),
        *(np.arange(10)[::2], np.array(5.0), np.array(["ab", "c"]), np.zeros(3, RECORD), np.arange(4)[::-1]),
    ],
    ids=lambda array: f"{array.dtype.kind}{array.shape}",
)
def test_arrays_cross_with_type_shape_and_order(array):
    found = crossed((array, array))[1]
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()
    assert found.flags.f_contiguous == array.flags.f_contiguous or not array.flags.contiguous


@pytest.mark.parametrize("value", [bytearray(b"ab"), memoryview(b"ab"), memoryview(np.frombuffer(b"ab", "u1"))])
def test_buffers_cross_as_bytes(value):
    assert crossed([value]) == materialize([value]) == [b"ab"]
    assert type(crossed(value)) is type(materialize(value)) is bytes


def released():
    view = memoryview(b"ab")
    view.release()
    return view


@pytest.mark.parametrize("value", [memoryview(b"abcd")[::2], released()], ids=["gaps", "released"])
def test_views_of_nothing_whole_are_refused(value):
    with pytest.raises(CodecError, match="memoryview"):
        encode(value, Layout())
    with pytest.raises(TypeError, match="memoryview"):
        materialize(value)


def test_not_a_number_crosses():
    assert np.isnan(crossed(float("nan")))


@pytest.mark.parametrize("value", [object(), {1, 2}, lambda: 0, np.array([None]), int, range(3)], ids=repr)
def test_what_has_behavior_does_not_cross(value):
    with pytest.raises(CodecError):
        encode(value, Layout())


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        *(
            ("|S0", [1 << 31]),
            ("<U0", [1 << 30]),
            ("|V0", [3]),
            (["|S0", [4]], [1 << 20]),
            (["<i4", [0]], [1 << 31]),
        ),
        ({"names": [], "formats": [], "offsets": [], "itemsize": 0, "align": False}, [1 << 31]),
        ({"names": ["a"], "formats": ["|S0"], "offsets": [0], "itemsize": 4, "align": False}, [2]),
        ({"names": ["a" * 7_000_000], "formats": ["<i4"], "offsets": [0], "itemsize": 4, "align": False}, [2]),
    ],
)
def test_elements_that_take_no_room_and_names_without_end_are_refused(dtype, shape):
    with pytest.raises(CodecError):
        decoded(["array", dtype, shape, "C", 0])
    with pytest.raises(CodecError):
        decoded(["scalar", dtype, ""])


@pytest.mark.parametrize("alike", [2, MAX_ALIKE, MAX_ALIKE + 1])
def test_keys_of_a_dictionary_that_were_made_to_collide_are_refused(alike):
    keys = [i * (2**61 - 1) for i in range(alike)] + list(range(1, 10 * alike))
    tree = ["dict", [[["plain", key], ["plain", None]] for key in keys]]
    if alike <= MAX_ALIKE:
        assert list(decoded(tree)) == keys
    else:
        with pytest.raises(CodecError, match="collide"):
            decoded(tree)


def nested(depth):
    tree = ["plain", 0]
    for _ in range(depth):
        tree = ["list", [tree]]
    return tree


def nested_dtype(depth):
    dtype = "<i4"
    for _ in range(depth):
        dtype = {"names": ["a"], "formats": [dtype], "offsets": [0], "itemsize": 4, "align": False}
    return ["array", dtype, [1], "C", 0]


FIELDS = {
    "names": [f"f{i}" for i in range(MAX_FIELDS)],
    "formats": ["u1"] * MAX_FIELDS,
    "offsets": list(range(MAX_FIELDS)),
    "itemsize": MAX_FIELDS,
    "align": False,
}
COLLIDING = [[["plain", i * (2**61 - 1)], ["plain", 0]] for i in range(100)]
BROKEN = {
    "no list": {"plain": 1},
    "empty": [],
    "no tag": [1, 2],
    "unknown tag": ["pickle", "gASVAAAA"],
    "code": ["code", "1+1"],
    "an object as plain": ["plain", {"a": 1}],
    "a float as plain": ["plain", 0.5],
    "too few": ["complex", "0x1p0"],
    "bad bytes": ["bytes", "!!"],
    "objects": ["array", "O", [1], "C", 0],
    "objects in records": ["array", {**FIELDS, "formats": ["O"] * MAX_FIELDS}, [1], "C", 0],
    "objects in a scalar": ["scalar", "|O", "AAAAAAAAAAA="],
    "a type with many fields": ["array", ",".join(["i4"] * 100_000), [1], "C", 0],
    "records with many fields": ["array", FIELDS, [1], "C", 0],
    "deep records": nested_dtype(MAX_DEPTH + 2),
    "negative shape": ["array", "<i8", [-1], "C", 0],
    "no shape": ["array", "<i8", "12", "C", 0],
    "shape of floats": ["array", "<i8", [1.5], "C", 0],
    "negative offset": ["array", "<i8", [1], "C", -64],
    "strange order": ["array", "<i8", [1], "K", 0],
    "short scalar": ["scalar", "<i8", "AAA="],
    "huge scalar": ["scalar", "V2147483647", "AAA="],
    "deep": nested(MAX_DEPTH + 1),
    "many": ["list", [["plain", 0]] * MAX_NODES],
    "a list as key": ["dict", [[["list", []], ["plain", 0]]]],
    "keys that collide": ["dict", COLLIDING],
    "a class that nobody gave": ["named", "Popen", [["plain", "true"]]],
    "a builtin": ["data", "int", []],
    "too few fields": ["data", "Body", [["plain", 1]]],
    "too many values": ["named", "Pair", [["plain", 1]] * 3],
    # Its initializer would run with whatever was sent.
    "a dataclass as a namedtuple": ["named", "Body", [["plain", 1], ["plain", 2]]],
    "a namedtuple as a dataclass": ["data", "Pair", [["plain", 1], ["plain", 2]]],
    "an oracle": ["oracle", 0],
}


@pytest.mark.parametrize("tree", BROKEN.values(), ids=BROKEN)
def test_broken_values_are_refused_quickly(tree):
    with within(1), pytest.raises(CodecError):
        decoded(tree)


@pytest.fixture
def pair():
    left, right = socket.socketpair()
    with left, right:
        yield left, right


def test_messages_cross(pair):
    channel.send(pair[0], {"a": [1, "\u00e4"]})
    assert channel.receive(pair[1], time.monotonic() + NET) == {"a": [1, "\u00e4"]}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (struct.pack("!I", channel.MAX_BYTES + 1), "bytes"),
        (struct.pack("!I", 3) + b"{a}", "no JSON"),
        (struct.pack("!I", 2) + b"[]", "no message"),
        (struct.pack("!I", 200_000) + b"[" * 200_000, "no JSON"),
        (struct.pack("!I", 8000) + b"9" * 8000, "no JSON"),
        (struct.pack("!I", 10) + b"{", "gone"),
        (b"\0", "gone"),
    ],
)
def test_what_is_no_message_is_refused(pair, data, why):
    def say():
        with suppress(OSError):  # who refuses a message hangs up
            pair[0].sendall(data)
            pair[0].shutdown(socket.SHUT_WR)

    threading.Thread(target=say).start()
    with pytest.raises(ChannelError, match=why):
        channel.receive(pair[1], time.monotonic() + NET)


def test_bytes_that_come_one_by_one_do_not_outlast_the_deadline(pair):
    late = threading.Event()

    def drip():
        with suppress(OSError):
            while not late.wait(0.05):
                pair[0].send(b"\0")

    pair[0].sendall(struct.pack("!I", 1 << 20))  # which take half a day
    dripping = threading.Thread(target=drip, daemon=True)
    dripping.start()
    with pytest.raises(ChannelError, match="late"):
        channel.receive(pair[1], time.monotonic() + 0.3)
    late.set()
    dripping.join()


def test_a_message_that_is_there_already_is_late_after_the_deadline(pair):
    channel.send(pair[0], {})
    with pytest.raises(ChannelError, match="late"):
        channel.receive(pair[1], time.monotonic() - 1)


def test_who_does_not_read_is_left(pair):
    pair[0].settimeout(0.1)
    with pytest.raises(ChannelError, match="cannot be sent"):
        channel.send(pair[0], {"a": "x" * (4 << 20)})


def test_a_plain_shell_keeps_names_and_says_errors(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shell = Plain()
    assert shell.run("x = 1") == {"ok": True}
    assert shell.run("y = x + 1") == {"ok": True}
    assert shell.names["y"] == 2
    assert shell.run("raise KeyError('k')") == {"error": "KeyError: 'k'"}
    assert shell.run("raise SystemExit(3)") == {"error": "SystemExit: 3"}
    assert "SyntaxError" in shell.run("x =")["error"]


def test_plain_shells_share_no_file(monkeypatch, tmp_path):
    """Without a sandbox, somebody else's file of the same name ended the process."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shells = Plain(), Plain()
    for shell in shells:
        shell.run("def here(): pass")
    assert len({shell.names["here"].__code__.co_filename for shell in shells}) == 2


def test_only_text_and_pictures_are_shown_and_not_too_much():
    data = {"text/plain": "t" * (MOST_TEXT + 5), "text/html": "<script>", "image/png": b"\x89PNG"}
    assert _shown(data) == {"text/plain": "t" * MOST_TEXT, "image/png": "iVBORw=="}
    assert _shown({"image/png": "x" * (3 << 20), "text/plain": ""}) == {}
    assert MOST_OUTPUTS < 1000


# What a sandbox imports, since it starts often


@pytest.fixture
def imported_by(tmp_path):
    """Return a function that says which modules a fresh Python has after a program."""
    return lambda program: _imported_by(program, {**os.environ, "IPYTHONDIR": str(tmp_path)})


def _imported_by(program, environment):
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_a_worker_imports_nothing_that_few_need(imported_by):
    rare = {
        "scipy.linalg",
        "matplotlib",
        "nbgrader",
        "perflab.threads",
        "perflab.models.interleaving",
        "perflab.judge",
    }
    assert not rare & imported_by("import perflab.guest.worker")


COMPILE = """
import numba, numpy as np
from perflab.guest.shells import Notebook
shell = Notebook()
shell.run("import numba, numpy as np\\n@numba.njit\\ndef f(a): return a.sum()\\nf(np.ones(3))")
assert shell.names["f"].signatures
"""


def test_the_first_compilation_leaves_scipy_alone(imported_by):
    assert "scipy.linalg" not in imported_by(COMPILE)


def test_linear_algebra_still_compiles(imported_by):
    solve = "import numba, numpy as np\\n@numba.njit\\ndef g(a): return np.linalg.solve(a, a @ a)\\ng(np.eye(3))"
    assert "scipy.linalg" in imported_by(f'{COMPILE}shell.run("{solve}")\nassert shell.names["g"].signatures')
