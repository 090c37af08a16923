"""A count that cannot be had: it says why and refuses to be a number."""

from typing import NoReturn


class AbsentError(RuntimeError):
    """A count was used that this machine does not give; the text says why and what to do."""


class Absent:
    """Stands where a count would; any use as a number or as a table of numbers raises `AbsentError`.

    Parameters
    ----------
    reason : str
        Why there is no count and what to do about it, in a sentence.
    """

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"Absent({self.reason!r})"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # a question about the type, as pickle and notebooks ask
            raise AttributeError(name)
        raise AbsentError(self.reason)

    def __format__(self, form: str) -> str:
        if form:
            raise AbsentError(self.reason)
        return repr(self)

    def _refuse(self, *_: object) -> NoReturn:
        raise AbsentError(self.reason)

    __int__ = __float__ = __index__ = __bool__ = __neg__ = __abs__ = __round__ = __hash__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __pow__ = __rpow__ = __len__ = __iter__ = __contains__ = __getitem__ = _refuse
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refuse
