"""Give a Python function a meaning in compiled code."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

from numba import typeof, types
from numba.core.typing import Signature
from numba.core.typing.templates import infer, infer_global, make_intrinsic_template

# What writes the code: ``generate(context, builder, signature, arguments)`` returns an LLVM value.
Generate = Callable[[Any, Any, Signature, tuple], Any]
Definition = Callable[..., tuple[Signature, Generate]]

_DEFINITIONS: dict[Callable, Definition] = {}


def define(function: Callable) -> Callable[[Definition], Definition]:
    """Return a decorator for the definition of `function` in compiled code.

    The definition gets the Numba types of the arguments (of literals, literal types; of what was left out, the
    default itself) and returns a signature and what writes the code, or raises TypingError. This is Numba's
    `intrinsic`, but the name in the program stays a plain function: it has a docstring, can be pickled, and may
    do something sensible when Python calls it. And unlike with `overload` there is no function in between, which
    would be compiled on its own and count references to its arrays.
    """

    def register(definition: Definition) -> Definition:
        def typed(_: Any, *args: Any, **kwargs: Any) -> tuple[Signature, Generate]:
            return definition(*args, **kwargs)

        # Numba reads names and defaults of the arguments from here, behind the typing context.
        typed.__signature__ = _with_context(definition)
        typed.__qualname__ = function.__qualname__  # for its error messages
        template = make_intrinsic_template(function, typed, function.__name__, prefer_literal=True)
        infer(template)
        infer_global(function, types.Function(template))
        _DEFINITIONS[function] = definition
        return definition

    return register


def defined(function: Callable) -> Definition:
    """Return the definition of a primitive."""
    return _DEFINITIONS[function]


def _with_context(definition: Callable) -> Any:
    own = signature(definition)
    context = Parameter("context", Parameter.POSITIONAL_ONLY)
    return own.replace(parameters=[context, *own.parameters.values()])


def constant(given: Any) -> tuple[Any, types.Type]:
    """Return the value of an argument that has to be known to the compiler, and the type to put in a signature.

    The value is None if the compiler does not know it.
    """
    if isinstance(given, types.Literal):
        return given.literal_value, given
    if isinstance(given, types.Omitted):
        return given.value, given
    if isinstance(given, types.Type):
        return None, given
    return given, types.Omitted(given)


def types_of(args: tuple) -> tuple[types.Type, ...]:
    """Return Numba's types of some Python values; what it has none for gets an opaque one of the same name."""
    return tuple(map(_type_of, args))


def _type_of(value: Any) -> types.Type:
    try:
        return typeof(value)
    except ValueError:
        return types.Opaque(type(value).__name__)
