"""What Numba adds to an index: the repair of negative ones, and the test whether it is inside.

In the assembly both look like any other arithmetic; in LLVM's intermediate code, after optimization, they do not.
"""

import re

import llvmlite.binding as llvm

from perflab.codegen.loops import natural_loops

# index + (n if index < 0 else 0): as a choice, or as a mask of the sign.
CHOICE = re.compile(r"^\s*%\S+ = select i1 (%\S+), i64 (%\S+), i64 0\b")
CHOICES = re.compile(r"^\s*%\S+ = select <\d+ x i1> (%\S+), <\d+ x i64> (%\S+), <\d+ x i64> zeroinitializer")
SIGN = re.compile(r"^\s*(%\S+) = ashr (?:<\d+ x )?i64>? (%\S+), (?:splat \(i64 63\)|63|<i64 63)")
NEGATIVE = re.compile(r"^\s*(%\S+) = icmp (?:slt (?:<\d+ x )?i64>? %\S+, (?:0|zeroinitializer))")
MASKED = re.compile(r"^\s*%\S+ = and (?:<\d+ x )?i64>? (%\S+), (%\S+)")
RAISES = re.compile(r"store ptr @\.const\.picklebuf\.(\w+), ptr %excinfo")
PICKLED = ".const.pickledata."  # of an exception that the code may raise


def index_checks(ir: str, name: str) -> tuple[int, int]:
    """Count in the innermost loops of a function the repairs of negative indices and the bounds checks.

    Parameters
    ----------
    ir : str
        LLVM's intermediate code after optimization.
    name : str
        Of the function there.

    Returns
    -------
    wraparound, bounds : int
        Of the loop that has most of them.
    """
    module = llvm.parse_assembly(ir)
    function = module.get_function(name)
    texts: dict[str, list[str]] = {}
    graph: dict[str, list[str]] = {}
    for block in function.blocks:
        instructions = list(block.instructions)
        texts[block.name] = [str(one) for one in instructions]
        graph[block.name] = [x.name for x in instructions[-1].operands if x.type.type_kind.name == "label"]
    entry = next(iter(texts))
    pickled = {one.name.removeprefix(PICKLED): str(one) for one in module.global_variables}
    errors = {key for key, text in pickled.items() if "IndexError" in text}
    out_of_bounds = {label for label, lines in texts.items() if _raises(lines, errors)}
    repairs = bounds = 0
    for loop in natural_loops(graph, entry):
        if not loop.innermost:
            continue
        lines = [line for label in loop.blocks for line in texts[label]]
        repairs = max(repairs, _repairs(lines))
        leaving = [one for label in loop.blocks for one in graph[label] if one not in loop.blocks]
        bounds = max(bounds, sum(one in out_of_bounds for one in leaving))
    return repairs, bounds


def _repairs(lines: list[str]) -> int:
    signs = {match[1] for line in lines if (match := SIGN.match(line))}
    negative = {match[1] for line in lines if (match := NEGATIVE.match(line))}
    return sum(_masks(line, signs) or _chooses(line, negative) for line in lines)


def _masks(line: str, signs: set[str]) -> bool:
    match = MASKED.match(line)
    return match is not None and not signs.isdisjoint({match[1], match[2].rstrip(",")})


def _chooses(line: str, negative: set[str]) -> bool:
    match = CHOICE.match(line) or CHOICES.match(line)
    return match is not None and match[1] in negative


def _raises(lines: list[str], errors: set[str]) -> bool:
    return any((match := RAISES.search(line)) and match[1] in errors for line in lines)
