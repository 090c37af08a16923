"""Where each function of a student's is asked: one program has one room.

The text of an instrumented program and that of the program whose results and times count must be the same. So a
function that any tests cell counts in a clean room is called there for every other check too, in a sandbox that
has run nothing but what was admitted. Where its code is not admitted there is no count, and the student's own
session is its only room. That is decided once, before the first call.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from perflab.check.admission import admitted, names_of_team
from perflab.check.bench import ForbiddenError, FunctionFailedError, is_outside, needs_run
from perflab.judge import seccomp
from perflab.judge.outside import is_seen_of_threads
from perflab.judge.residence import Residence
from perflab.judge.sandbox import Sandbox


@dataclass
class Group:
    """Functions that some checks ask together.

    Attributes
    ----------
    functions : set of str
    teams : set of str
        Functions of the course that call them on threads.
    counted : bool
        Whether a check needs a clean room for them.
    """

    functions: set[str]
    teams: set[str]
    counted: bool


@dataclass(frozen=True)
class _Decision:
    """Where a group lives.

    Attributes
    ----------
    defined : frozenset of str
        Those of its functions that there were.
    program : tuple of str
        What was admitted.
    home : Residence or None
        The clean room, if there is one.
    why : ForbiddenError or None
        Why there is none.
    """

    defined: frozenset[str]
    program: tuple[str, ...] = ()
    home: Residence | None = None
    why: ForbiddenError | None = None


class Rooms:
    """The sandboxes of one student's functions.

    Parameters
    ----------
    student : Residence
        Where all cells run.
    tests : iterable of str
        The tests cells.
    given : tuple of str
        The course's cells.
    names : dict
        What they define.
    start : callable
        Starts a clean room, not yet ready.
    """

    def __init__(
        self,
        student: Residence,
        tests: Iterable[str],
        given: tuple[str, ...],
        names: dict[str, Any],
        start: Callable[[], Sandbox],
    ) -> None:
        self._student, self._given, self._names, self._start = student, given, names, start
        self._groups = groups(tests, given)
        self._answers: list[str] = []
        self._defined: set[str] = set()
        self._decided: dict[int, _Decision] = {}
        self._watched: dict[tuple[int, bytes], Sandbox] = {}

    def add(self, source: str, defines: Iterable[str] = ()) -> None:
        """Note a cell of the student's, and which names of the instructor's it was to define."""
        self._answers.append(source)
        self._defined |= set(defines)

    def home(self, name: str) -> Residence:
        """Return where a function lives.

        Raises
        ------
        FunctionFailedError
            If it was changed after it had been checked.
        """
        return self._decide(name).home or self._student

    def clean(self, name: str) -> Sandbox:
        """Return the clean room of a function, which is its home.

        Raises
        ------
        ForbiddenError
            If its code is not admitted.
        """
        decision = self._decide(name)
        if decision.home is None:
            raise decision.why or RuntimeError(f"no tests cell says in plain sight that {name} is counted")
        return decision.home.now()

    def watched(self, name: str, metric: str) -> Sandbox:
        """Return a fresh sandbox with the same cells as the function's home; what starts in it is seen."""
        home, alone = self.home(name), seccomp.alone(threads=is_seen_of_threads(metric))
        key = id(home), alone
        if key not in self._watched or not self._watched[key].alive:
            self._watched[key] = home.twin(alone)
        return self._watched[key]

    def pin(self, cores: set[int]) -> None:
        """Keep what runs in any home to some cores."""
        for home in (self._student, *self._homes()):
            home.pin(cores)

    def close(self) -> None:
        """Close all of them, but for the student's residence."""
        for room in (*self._homes(), *self._watched.values()):
            room.close()

    def _homes(self) -> list[Residence]:
        return [decision.home for decision in self._decided.values() if decision.home is not None]

    def _decide(self, name: str) -> _Decision:
        group = next((group for group in self._groups if name in group.functions), None)
        if group is None or not group.counted:
            return _Decision(frozenset())
        defined = frozenset(group.functions & self._defined)
        before = self._decided.get(id(group))
        if before is None or before.defined != defined:
            self._decided[id(group)] = self._admit(group, defined, before)
        return self._decided[id(group)]

    def _admit(self, group: Group, defined: frozenset[str], before: _Decision | None) -> _Decision:
        ours = self._ours(group)
        try:
            if before is not None:
                self._refuse_another(before, ours)
            program = tuple(admitted(self._answers, set(defined), self._given, ours))
        except ForbiddenError as error:
            if before is not None and before.home is not None:
                raise FunctionFailedError(f"What was checked before cannot change now: {error}.") from error
            return _Decision(defined, why=error)
        if before is not None and before.home is None:
            return _Decision(defined, why=before.why)  # its functions have been called where they are
        if before is not None:
            before.home.close()
        home = Residence(self._start)
        home.ready()
        for source in (*self._given, *program):
            if source.strip():
                home.tell(source)
        return _Decision(defined, program, home)

    def _refuse_another(self, before: _Decision, ours: set[str]) -> None:
        """Refuse another program for functions that have been checked."""
        if before.home is None:
            return
        now = admitted(self._answers, set(before.defined), self._given, ours)
        if [cell for cell in now if cell.strip()] != [cell for cell in before.program if cell.strip()]:
            raise ForbiddenError(f"a later cell changes what {min(before.defined)} needs: define it once")

    def _ours(self, group: Group) -> set[str]:
        team = [self._names[name] for name in sorted(group.teams) if name in self._names]
        return group.teams | names_of_team(team, group.functions)


def groups(tests: Iterable[str], given: Iterable[str] = ()) -> list[Group]:
    """Return the functions of tests cells in groups that share no function.

    Parameters
    ----------
    tests : iterable of str
    given : iterable of str
        Where constants may be defined that tests cells use.
    """
    trees = [ast.parse(source) for source in tests]
    texts: dict[str, str] = {}
    for tree in (*map(ast.parse, given), *trees):
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.JoinedStr):
                value = node.value.value if isinstance(node.value, ast.Constant) else ""
                texts |= {target.id: value for target in node.targets if isinstance(target, ast.Name)}
    found: list[Group] = []
    for tree in trees:
        for call in _checks(tree):
            new = _group(call, texts)
            if not new.functions:
                continue
            others = [group for group in found if group.functions & new.functions]
            for other in others:
                new.functions |= other.functions
                new.teams |= other.teams
                new.counted |= other.counted
                found.remove(other)
            found.append(new)
    return found


def _checks(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of `perflab.check`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            yield from [node] if isinstance(node.func.value, ast.Name) and node.func.value.id == "check" else []


def _group(call: ast.Call, texts: dict[str, Any]) -> Group:
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    functions = _names(call.args[0])
    if "view" in named:
        functions |= _names(named["view"])
    team = _names(named["threads"]) if "threads" in named else set()
    together = "threads" in named or isinstance(call.args[0], ast.Tuple)
    metric = call.args[1] if len(call.args) > 1 else named.get("metric")
    is_count = call.func.attr == "counts" and _is_counted_inside(metric, texts)
    is_count |= "within" in named
    return Group(functions, team, together or is_count)


def _names(node: ast.AST) -> set[str]:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return {part.id for part in parts if isinstance(part, ast.Name)}


def _is_counted_inside(metric: ast.AST | None, texts: dict[str, Any]) -> bool:
    """Tell whether a metric is counted beside the code; a function is none, and what is unknown may be one."""
    if isinstance(metric, ast.Lambda) or (isinstance(metric, ast.Name) and metric.id not in texts):
        return False
    value = texts[metric.id] if isinstance(metric, ast.Name) else getattr(metric, "value", None)
    return not isinstance(value, str) or not (needs_run(value) or is_outside(value))
