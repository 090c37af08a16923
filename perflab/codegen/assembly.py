"""Read x86-64 assembly: functions, instructions, blocks and their successors."""

import re
from dataclasses import dataclass

SYMBOL = re.compile(r'^"?([\w.$@]+)"?:\s*$')
LABEL = re.compile(r"^(\.LBB\w+):")
INSTRUCTION = re.compile(r"^\s+([a-z]\w*)(?:\s+(.*?))?\s*(?:#.*)?$")
JUMP = re.compile(r"^j\w+$")
RECURSIVE = ".numba.unresolved$"  # before the name of a function that is called before it is compiled
# Numba's own way in from Python and from C: no code of the function's.
WRAPPERS = ("_ZN7cpython", "cfunc.")


@dataclass(frozen=True)
class Instruction:
    """One instruction in AT&T syntax.

    Attributes
    ----------
    mnemonic : str
    operands : tuple of str
        The target comes last.
    """

    mnemonic: str
    operands: tuple[str, ...]

    @property
    def is_jump(self) -> bool:
        """Whether it jumps, on a condition or not."""
        return bool(JUMP.match(self.mnemonic))

    @property
    def target(self) -> str | None:
        """The label that it jumps to."""
        return self.operands[0] if self.is_jump and self.operands else None

    @property
    def loads(self) -> bool:
        """Whether it reads from memory."""
        inputs = self.operands[:-1] if len(self.operands) > 1 else self.operands
        if self.mnemonic.startswith(("lea", "j", "call", "prefetch", "nop")):
            return False
        only_written = self.mnemonic.startswith(("mov", "vmov", "set", "vextract"))
        return any("(" in x for x in inputs) or (not only_written and "(" in (self.operands or ("",))[-1])

    @property
    def stores(self) -> bool:
        """Whether it writes to memory."""
        if self.mnemonic.startswith(
            ("cmp", "test", "j", "call", "prefetch", "nop", "vucomis", "ucomis", "vcomis")
        ):
            return False
        return bool(self.operands) and "(" in self.operands[-1] and (len(self.operands) > 1 or self._alone)

    @property
    def _alone(self) -> bool:
        return self.mnemonic.startswith(("inc", "dec", "neg", "not", "set"))

    def __str__(self) -> str:
        return f"{self.mnemonic:<13} {', '.join(self.operands)}".rstrip()


@dataclass(frozen=True)
class Function:
    """A function's blocks.

    Attributes
    ----------
    name : str
    entry : str
        Label of its first block.
    blocks : dict
        Instructions of each block, in the order of the text.
    graph : dict
        Labels of the blocks that may follow each.
    """

    name: str
    entry: str
    blocks: dict[str, tuple[Instruction, ...]]
    graph: dict[str, list[str]]


def functions(text: str) -> list[Function]:
    """Return the functions of an assembly text, without Numba's wrappers."""
    found: list[Function] = []
    name, lines = None, []
    for line in text.splitlines():
        symbol = SYMBOL.match(line)
        if symbol and not symbol[1].startswith(".L"):
            name, lines = symbol[1], []
        elif line.startswith(".Lfunc_end") and name is not None:
            if not name.startswith(WRAPPERS):
                found.append(_function(name, lines))
            name = None
        elif name is not None:
            lines.append(line)
    return found


def called(own: Function, every: list[Function]) -> list[Function] | None:
    """Return the functions of a text that a function calls, directly or not; itself is none of them.

    None if one calls itself: Numba keeps its code elsewhere.
    """
    by_name = {one.name: one for one in every}
    found, queue = {own.name: own}, [own]
    while queue:
        for block in queue.pop().blocks.values():
            for name in (name for one in block for name in names(one)):
                if name.startswith(RECURSIVE) and name.removeprefix(RECURSIVE) not in by_name:
                    return None
                other = by_name.get(name.removeprefix(RECURSIVE))
                if other is not None and other.name not in found:
                    found[other.name] = other
                    queue.append(other)
    return list(found.values())[1:]


def names(one: Instruction) -> list[str]:
    """Return operands as names of functions: of `callq name`, or of its address in `movabsq $name, %rax`."""
    return [operand.lstrip("*$").partition("@")[0].strip('"') for operand in one.operands]


def _function(name: str, lines: list[str]) -> Function:
    entry = "entry"
    blocks: dict[str, list[Instruction]] = {entry: []}
    label = entry
    for line in lines:
        if match := LABEL.match(line):
            label = match[1]
            blocks[label] = []
        elif match := INSTRUCTION.match(line):
            instruction = Instruction(match[1], _operands(match[2] or ""))
            blocks[label].append(instruction)
            # What follows a jump without a label of its own is a block too.
            if instruction.is_jump:
                label = f"{label}'"
                blocks[label] = []
    order = list(blocks)
    graph: dict[str, list[str]] = {}
    for i, label in enumerate(order):
        last = blocks[label][-1] if blocks[label] else None
        after = [last.target] if last and last.target in blocks else []
        ends = last is not None and last.mnemonic in ("jmp", "jmpq", "ret", "retq", "ud2")
        if not ends and i + 1 < len(order):
            after.append(order[i + 1])
        graph[label] = after
    return Function(name, entry, {label: tuple(block) for label, block in blocks.items()}, graph)


def _operands(text: str) -> tuple[str, ...]:
    """Split at the commas that stand outside of parentheses and braces."""
    parts, level, start = [], 0, 0
    for i, character in enumerate(text):
        level += (character in "({") - (character in ")}")
        if character == "," and level == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return (*parts, text[start:].strip()) if text.strip() else ()
