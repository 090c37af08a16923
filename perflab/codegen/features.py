"""What a loop's instructions are: vectors, fused operations, divisions, branches, calls, gathers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from perflab.codegen.assembly import Function, Instruction, names
from perflab.codegen.loops import NaturalLoop, natural_loops

# Patterns are compiled where they are used first: a sandbox starts often, and mostly needs none.
# Packed floating-point and packed integer arithmetic; what only moves data is none.
PACKED_FLOAT = (
    r"^v?(f(n?m)(add|sub|addsub|subadd)\d*|add|sub|mul|div|sqrt|min|max|cmp\w*|round|and|andn|or|xor)p[sd]$"
)
PACKED_INTEGER = (
    r"^v?p(add|sub|mul|madd|and|andn|or|xor|cmp|min|max|s[lr]l|sra|abs|avg|sad|sign|mull|muludq|muldq)\w*$"
)
SCALAR_FLOAT = r"^v?(f(n?m)(add|sub)\d*|add|sub|mul|div|sqrt|min|max|ucomi|comi|round)s[sd]$"
FMA = r"^vfn?m(add|sub|addsub|subadd)\d*[ps][sd]$"
FLOAT_DIVISION = r"^v?(div|sqrt)[ps][sd]$"
INTEGER_DIVISION = r"^i?div[bwlq]?$"
# Functions of libraries that divide: LLVM calls one for each remainder of floating-point numbers.
LIBRARY_DIVISION = r"^(fmod|remainder|drem)[fl]?$|^__u?(div|mod|divmod)[sdt]i[34]$"
GATHER, SCATTER = r"^vp?gather", r"^vp?scatter"
INSERT = r"^v?(pinsr|insertps|movhp|movlp)"
MOVE = r"^v(mov(u|a|dq[ua]|nt)\w*|broadcast\w*)$"
WIDTHS = {"%xmm": 128, "%ymm": 256, "%zmm": 512}
SCALAR_BITS = 64


@dataclass(frozen=True)
class Loop:
    """An innermost loop of the generated code.

    Attributes
    ----------
    instructions : tuple of Instruction
        In the order of the text.
    labels : dict
        Where each of its blocks begins among them.
    header : str
        Label of the block where an iteration begins.
    depth : int
        How many loops it is in, itself included.
    vector_bits : int
        Bits that one arithmetic instruction works on: 128, 256 or 512, or 64 where it is scalar. A loop that only
        copies counts by its widest move.
    arithmetic : int
        Arithmetic instructions of that width an iteration of the machine's loop, which LLVM may have unrolled.
    fma : int
        Fused multiply-adds.
    divisions, float_divisions : int
        Of integers; of floating-point numbers, square roots included.
    branches : int
        Conditional jumps, without the one that closes the loop.
    calls : int
    gathers, scatters : int
        Vector loads and stores at scattered addresses.
    inserts : int
        Single values put into a vector: how LLVM gathers where an instruction for it does not pay.
    loads, stores, prefetches : int
    """

    instructions: tuple[Instruction, ...] = field(repr=False)
    labels: dict[str, int] = field(repr=False)
    header: str = field(repr=False)
    depth: int
    vector_bits: int
    arithmetic: int
    fma: int
    divisions: int
    float_divisions: int
    branches: int
    calls: int
    gathers: int
    scatters: int
    inserts: int
    loads: int
    stores: int
    prefetches: int

    @property
    def work(self) -> int:
        """Bits of arithmetic an iteration: the main loop has more of it than what is left over for the end."""
        return self.vector_bits * max(self.arithmetic, 1)


def inner_loops(function: Function) -> list[Loop]:
    """Return the innermost loops of a function, the hottest first.

    The deepest is the hottest, and of equally deep ones the one with most arithmetic an iteration: LLVM makes a
    main loop of wide, unrolled vectors, and narrower ones for what remains.
    """
    loops = natural_loops(function.graph, function.entry)
    found = [_loop(function, loop) for loop in loops if loop.innermost]
    return by_heat(found)


def divisions_of(own: Function, others: list[Function]) -> int:
    """Return the divisions of that loop which has most, be it of a function or of those that it calls.

    All that is in a loop counts, not only what its innermost loops do. A loop with calls has all the divisions of
    the functions that are called, wherever in them they are. In a function that knows of one of a library that
    divides, each call is taken for that.
    """
    called = sum(_divisions(one) for other in others for block in other.blocks.values() for one in block)
    return max((_in_a_loop(one, called) for one in (own, *others)), default=0)


def _in_a_loop(function: Function, called: int) -> int:
    libraries = any(
        re.match(LIBRARY_DIVISION, name)
        for block in function.blocks.values()
        for one in block
        for name in names(one)
    )
    most = 0
    for loop in natural_loops(function.graph, function.entry):
        code = [one for label in loop.blocks for one in function.blocks[label]]
        # The address of what is called may stand before the loop.
        calls = sum(one.mnemonic.startswith("call") for one in code)
        most = max(most, sum(map(_divisions, code)) + (called if calls else 0) + (calls if libraries else 0))
    return most


def _divisions(one: Instruction) -> int:
    return bool(re.match(INTEGER_DIVISION, one.mnemonic) or re.match(FLOAT_DIVISION, one.mnemonic))


def by_heat(loops: Iterable[Loop]) -> list[Loop]:
    """Return loops, the hottest first: see `inner_loops`."""
    return sorted(loops, key=lambda loop: (loop.depth, loop.work, len(loop.instructions)), reverse=True)


def branches_of(own: Function, others: list[Function]) -> int:
    """Return the conditional jumps in all loops of functions, without one that closes each of them.

    So a decision counts wherever it stands: in a loop beside the hot one, around it, or in what a loop calls.
    """
    total, calling = 0, False
    for function in (own, *others):
        loops = natural_loops(function.graph, function.entry)
        for loop in loops:
            inner = [other.blocks for other in loops if other.blocks < loop.blocks]
            blocks = {label: function.blocks[label] for label in loop.blocks.difference(*inner)}
            jumping = [label for label, code in blocks.items() if any(map(_is_conditional, code))]
            total += sum(_is_conditional(one) for code in blocks.values() for one in code)
            total -= any(loop.header in function.graph[label] for label in jumping)
            calling |= any(one.mnemonic.startswith("call") for code in blocks.values() for one in code)
    if calling:
        for other in others:
            inside = set().union(*(loop.blocks for loop in natural_loops(other.graph, other.entry)))
            rest = [code for label, code in other.blocks.items() if label not in inside]
            total += sum(_is_conditional(one) for code in rest for one in code)
    return total


def _is_conditional(one: Instruction) -> bool:
    return one.is_jump and not one.mnemonic.startswith("jmp")


def _loop(function: Function, loop: NaturalLoop) -> Loop:
    # The text begins where LLVM laid the first block; the loop goes on there after its end.
    body = [label for label in function.blocks if label in loop.blocks]
    labels: dict[str, int] = {}
    code: list[Instruction] = []
    for label in body:
        labels[label] = len(code)
        code += function.blocks[label]
    bits = max((_bits(one) for one in code), default=0)
    calls = sum(one.mnemonic.startswith("call") for one in code)
    moves_only = bits == 0 and not calls and not any(re.match(SCALAR_FLOAT, one.mnemonic) for one in code)
    if moves_only:
        bits = max((_width(one) for one in code if re.match(MOVE, one.mnemonic)), default=0)
    counted = [one for one in code if _bits(one) == bits] if bits and not moves_only else []
    scalars = sum(bool(re.match(SCALAR_FLOAT, one.mnemonic)) for one in code)
    conditional = [one for one in code if _is_conditional(one)]
    closing = any(one.target and one.target == loop.header for one in conditional)

    def count(pattern: str) -> int:
        return sum(bool(re.match(pattern, one.mnemonic)) for one in code)

    return Loop(
        instructions=tuple(code),
        labels=labels,
        header=str(loop.header),
        depth=loop.depth,
        vector_bits=bits or SCALAR_BITS,
        arithmetic=len(counted) or scalars,
        fma=count(FMA),
        divisions=count(INTEGER_DIVISION),
        float_divisions=count(FLOAT_DIVISION),
        branches=len(conditional) - closing,
        calls=calls,
        gathers=count(GATHER),
        scatters=count(SCATTER),
        inserts=count(INSERT),
        loads=sum(one.loads for one in code),
        stores=sum(one.stores for one in code),
        prefetches=sum(one.mnemonic.startswith("prefetch") for one in code),
    )


def _bits(one: Instruction) -> int:
    """Return the width of packed arithmetic, else 0."""
    name = one.mnemonic
    if not (re.match(PACKED_FLOAT, name) or re.match(PACKED_INTEGER, name)):
        return 0
    if "xor" in name and len(set(one.operands[:2])) == 1:
        return 0  # sets a register to zero
    return _width(one)


def _width(one: Instruction) -> int:
    text = ",".join(one.operands)
    return max((bits for register, bits in WIDTHS.items() if register in text), default=0)
