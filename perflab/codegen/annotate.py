"""Say in words what the instructions of a loop do; what is not known for sure gets no words."""

import re

from perflab.codegen.assembly import Instruction
from perflab.codegen.features import Loop

ELEMENTS = {"pd": (64, "double"), "ps": (32, "float"), "q": (64, "int64"), "d": (32, "int32"), "w": (16, "int16")}
ELEMENTS["b"] = (8, "byte")
WIDTHS = {"xmm": 128, "ymm": 256, "zmm": 512}
FLOAT_WORDS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "div": "divide",
    "sqrt": "square root of",
    "min": "smaller of",
    "max": "larger of",
}
INTEGER_WORDS = {"add": "add", "sub": "subtract", "mull": "multiply", "mins": "smaller of", "maxs": "larger of"}
SIMPLE = (
    (r"^inc[bwlq]?$", "count on"),
    (r"^dec[bwlq]?$", "count down"),
    (r"^i?div[bwlq]?$", "divide integers: 10 cycles and more"),
    (r"^sub[bwlq]?$", "subtract integers"),
    (r"^(sh|sa)[lr]x?[bwlq]?$", "shift the bits"),
    (r"^imul[bwlq]?$", "multiply integers"),
    (r"^mulx?[bwlq]?$", "multiply integers, twice as wide"),
    (r"^call", "call a function: nothing is vectorized across it"),
    (r"^cmov", "choose without a branch"),
    (r"^vp?gather", "gather: one access for each element"),
    (r"^vp?scatter", "scatter: one access for each element"),
    (r"^prefetch", "prefetch"),
    (r"^pause$", "pause: a hint that this loop waits"),
    (r"^v?pinsr|^v?movhp|^v?insertps", "put one value into a vector"),
    (r"^vp?broadcast|^vmovddup", "copy one value to all elements"),
    (r"^popcnt", "count the bits that are set"),
)
PACKED = re.compile(r"^v?(?P<op>f(?:n?m)(?:add|sub)|add|sub|mul|div|sqrt|min|max)\d*(?P<kind>p[sd]|s[sd])$")
PACKED_INTEGER = re.compile(r"^v?p(?P<op>add|sub|mull|mins|maxs)(?P<kind>[bwdq])$")
MOVE = re.compile(r"^v?mov(?P<form>u|a|nt)?(?P<kind>p[sd]|s[sd]|dq[ua]|ntdq)$")


def annotated(loop: Loop, header: str | None = None) -> str:
    """Return the assembly of a loop (AT&T syntax: the target comes last), a note behind each line that has one."""
    starts = {place: label for label, place in loop.labels.items()}
    width = max((len(str(one)) for one in loop.instructions), default=0) + 6
    lines = []
    for i, one in enumerate(loop.instructions):
        if i in starts and not starts[i].endswith("'"):
            lines.append(f"{starts[i]}:")
        note = _note(one, loop)
        text = f"    {one}"
        lines.append(f"{text:<{width}}; {note}" if note else text)
    return "\n".join(lines if header is None else [header, *lines])


def _note(one: Instruction, loop: Loop) -> str | None:
    name = one.mnemonic
    if one.is_jump:
        inside = one.target in loop.labels
        where = "next iteration" if one.target == loop.header else "on within it" if inside else "out of the loop"
        return where if name.startswith("jmp") else f"if so, {where}"
    if name.startswith(("cmp", "test", "ucomis", "vucomis")):
        return "compare"
    if match := PACKED.match(name):
        return _arithmetic(match["op"], match["kind"], one)
    if match := PACKED_INTEGER.match(name):
        bits, word = ELEMENTS[match["kind"]]
        return _with_memory(f"{INTEGER_WORDS[match['op']]} {_many(_width(one) // bits, word)}", one)
    if (match := MOVE.match(name)) and (one.loads or one.stores):
        return _move(match["kind"], one)
    if re.match(r"^mov[bwlq]?$|^movz|^movs[bwl]", name):
        return "load" if one.loads else "store" if one.stores else None
    if re.match(r"^add[bwlq]?$", name) and not one.stores:
        return "count on" if one.operands[0].startswith("$") else "add integers"
    if one.stores:
        return "change in memory"
    return next((words for pattern, words in SIMPLE if re.match(pattern, name)), None)


def _arithmetic(operation: str, kind: str, one: Instruction) -> str:
    bits, word = ELEMENTS["pd" if kind[1] == "d" else "ps"]
    number = 1 if kind[0] == "s" else _width(one) // bits
    fused = operation.startswith("f")
    words = "fused multiply-add," if fused and "add" in operation else "fused multiply-subtract,"
    return _with_memory(f"{words if fused else FLOAT_WORDS[operation]} {_many(number, word)}", one)


def _move(kind: str, one: Instruction) -> str:
    if kind in ("sd", "ss"):
        what = _many(1, "double" if kind == "sd" else "float")
    elif kind == "pd":
        what = _many(_width(one) // 64, "double")
    else:
        what = f"{_width(one) // 8} bytes"  # LLVM moves any type by the shortest encoding, that of floats
    return f"{'load' if one.loads else 'store'} {what}"


def _with_memory(words: str, one: Instruction) -> str:
    return f"load, {words}" if one.loads else words


def _many(number: int, word: str) -> str:
    plural = word if word.startswith("int") or number == 1 else f"{word}s"
    return f"{number} {plural}"


def _width(one: Instruction) -> int:
    text = ",".join(one.operands)
    return max((bits for register, bits in WIDTHS.items() if register in text), default=0)


def summary(loop: Loop) -> str:
    """Say in a few sentences what a loop is like."""
    if loop.vector_bits > 64:
        what = f"It is vectorized: {loop.vector_bits}-bit registers"
        many = f", {loop.arithmetic} arithmetic instructions an iteration" if loop.arithmetic else ""
        said = [f"{what}{many}."]
    else:
        said = ["It is scalar: one value at a time."]
    counted = {
        "fused multiply-add": loop.fma,
        "integer division": loop.divisions,
        "floating-point division or square root": loop.float_divisions,
        "branch": loop.branches,
        "call": loop.calls,
        "gather": loop.gathers,
        "scatter": loop.scatters,
        "single value put into a vector": loop.inserts,
    }
    there = [f"{name}: {number}" for name, number in counted.items() if number]
    absent = [name for name in ("fused multiply-add", "branch", "call") if not counted[name]]
    if there:
        said.append(f"In it, {'; '.join(there)}.")
    if absent:
        said.append(f"No {', no '.join(absent)}.")
    return " ".join(said)
