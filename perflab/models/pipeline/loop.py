"""A loop as a processor sees it: instructions, and which result each of them waits for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Instruction:
    """One instruction of a loop's body.

    Attributes
    ----------
    operation : str
        Its class, a key of `Core.operations`.
    text : str
        What it stands for in the source.
    line : int
    needs : tuple of (int, int)
        ``(number, back)``: the result of that instruction of the body, `back` iterations ago.
    """

    operation: str
    text: str
    line: int
    needs: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Loop:
    """The body of an innermost loop.

    Attributes
    ----------
    name : str
        Of the function.
    body : tuple of Instruction
        In program order.
    step : int
        Elements that an iteration deals with: how far the loop's variable moves.

    Raises
    ------
    ValueError
        If the body is empty, or an instruction needs a result that comes after it.
    """

    name: str
    body: tuple[Instruction, ...]
    step: int = 1

    def __post_init__(self) -> None:
        if not self.body:
            raise ValueError("body: at least one instruction")
        for number, instruction in enumerate(self.body):
            for needed, back in instruction.needs:
                if back < 0 or not 0 <= needed < len(self.body) or (back == 0 and needed >= number):
                    raise ValueError(
                        f"needs of instruction {number}: ({needed}, {back}) is no earlier result; of the same "
                        "iteration give (a smaller number, 0), of an earlier one (any number, iterations back)"
                    )

    def carried(self) -> list[tuple[int, int, int]]:
        """Return the dependences between iterations: ``(needed, by, iterations back)``."""
        return [(n, i, back) for i, it in enumerate(self.body) for n, back in it.needs if back]

    def __str__(self) -> str:
        rows = [f"{self.name}: {len(self.body)} instructions for {self.step} element{'s' * (self.step > 1)}"]
        for number, it in enumerate(self.body):
            needs = ", ".join(f"{n}" if not back else f"{n} ({back} back)" for n, back in it.needs)
            rows.append(
                f"{number:>3}  {it.operation:<9} line {it.line:<4} {it.text:<28} {needs and 'needs ' + needs}"
            )
        return "\n".join(row.rstrip() for row in rows)
