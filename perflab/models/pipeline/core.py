"""What a core can do: how many instructions it starts in a cycle, where, and how long each takes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType


@dataclass(frozen=True)
class Operation:
    """A class of instructions.

    Attributes
    ----------
    latency : int
        Cycles from its start until another instruction can use the result.
    uses : tuple of (str, int)
        What it occupies from its start on: of each ``(units, cycles)`` one unit, for so many cycles. A unit is a
        letter or digit: ``("01", 1)`` is port 0 or port 1 for one cycle.
    """

    latency: int
    uses: tuple[tuple[str, int], ...]

    def __post_init__(self) -> None:
        if self.latency < 0 or not self.uses or any(not units or cycles < 1 for units, cycles in self.uses):
            raise ValueError(f"latency: 0 or more, uses: at least one (units, cycles >= 1); got {self}")

    @property
    def throughput(self) -> Fraction:
        """Cycles an instruction, if many independent ones of this class run: the reciprocal throughput."""
        return max(Fraction(cycles, len(set(units))) for units, cycles in self.uses)


@dataclass(frozen=True)
class Core:
    """A core that executes out of order.

    Attributes
    ----------
    name : str
    width : int
        Instructions that may enter in a cycle, and that may leave.
    window : int
        Instructions that can be on their way at the same time: the reorder buffer.
    penalty : int
        Cycles after a mispredicted branch was found out until the right instructions enter.
    operations : mapping of str to Operation
    """

    name: str
    width: int
    window: int
    penalty: int
    operations: Mapping[str, Operation]

    def __post_init__(self) -> None:
        if self.width < 1 or self.window < 1 or self.penalty < 0:
            raise ValueError("width and window: 1 or more, penalty: 0 or more")
        object.__setattr__(self, "operations", MappingProxyType(dict(self.operations)))

    def having(self, **operations: Operation) -> "Core":
        """Return a core with other operations: ``SKYLAKE.having(fadd=Operation(1, (("01", 1),)))``."""
        return replace(self, name=f"{self.name}, changed", operations={**self.operations, **operations})


# Intel Skylake, 64-bit scalar instructions with operands in registers, data in the first-level cache. Latencies,
# units, window and penalty are those of LLVM's scheduling model (llvm/lib/Target/X86/X86SchedSkylakeClient.td). It
# leaves out how many enter in a cycle, 4, and the division of 64-bit integers; they are from A. Fog, The
# microarchitecture of Intel, AMD and VIA CPUs, and Instruction tables, both at agner.org/optimize. "D" is the
# divider of integers, "F" that of floating-point numbers.
SKYLAKE = Core(
    name="Skylake",
    width=4,
    window=224,
    penalty=14,
    operations={
        "add": Operation(1, (("0156", 1),)),  # and subtract, compare, and, or, exclusive or
        "shift": Operation(1, (("06", 1),)),
        "select": Operation(1, (("06", 1),)),  # conditional move, and a comparison as a number
        "mul": Operation(3, (("1", 1),)),
        "div": Operation(42, (("0", 1), ("D", 24))),
        "fadd": Operation(4, (("01", 1),)),
        "fmul": Operation(4, (("01", 1),)),
        "fma": Operation(4, (("01", 1),)),
        "fdiv": Operation(14, (("0", 1), ("F", 4))),
        "fsqrt": Operation(18, (("0", 1), ("F", 6))),
        "fcompare": Operation(2, (("0", 1),)),
        "fminmax": Operation(4, (("01", 1),)),
        "flogic": Operation(1, (("015", 1),)),  # sign and absolute value
        "to_float": Operation(5, (("5", 1), ("015", 1))),
        "to_int": Operation(6, (("0", 1), ("01", 1))),
        "load": Operation(5, (("23", 1),)),
        # A load that needs what was stored gets it after its own five cycles: the way through memory adds none.
        "store": Operation(0, (("237", 1), ("4", 1))),
        "branch": Operation(1, (("06", 1),)),  # with the comparison of integers before it, as one
    },
)
