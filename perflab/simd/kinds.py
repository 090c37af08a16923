"""Types of vectors and of masks, and how Numba holds them: in vector registers."""

from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import models, register_model

BIT = ir.IntType(1)


class Vector(types.Type):
    """The type of a vector: so many numbers of one type, worked on at once.

    Parameters
    ----------
    element : Numba type
        float32, float64, int32 or int64.
    lanes : int
        A power of two.
    """

    def __init__(self, element: types.Number, lanes: int) -> None:
        self.element = element
        self.lanes = lanes
        super().__init__(name=f"{'f' if self.floats else 'i'}{element.bitwidth}x{lanes}")

    @property
    def floats(self) -> bool:
        """Whether its numbers are floats."""
        return isinstance(self.element, types.Float)

    @property
    def suffix(self) -> str:
        """What LLVM puts behind the names of functions for it."""
        return f"v{self.lanes}{'f' if self.floats else 'i'}{self.element.bitwidth}"

    @property
    def mask(self) -> "Mask":
        """The type of its masks."""
        return Mask(self.lanes)


class Mask(types.Type):
    """The type of a mask: a truth value for each lane of a vector."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"mask{lanes}")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        element = manager.lookup(kind.element).get_value_type()
        super().__init__(manager, kind, ir.VectorType(element, kind.lanes))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(BIT, kind.lanes))


f32x8 = Vector(types.float32, 8)
f32x16 = Vector(types.float32, 16)
f64x4 = Vector(types.float64, 4)
f64x8 = Vector(types.float64, 8)
i32x8 = Vector(types.int32, 8)
i32x16 = Vector(types.int32, 16)
i64x4 = Vector(types.int64, 4)
i64x8 = Vector(types.int64, 8)
KINDS = (f32x8, f32x16, f64x4, f64x8, i32x8, i32x16, i64x4, i64x8)


def known(kind) -> Vector:
    """Return the type that the argument `kind` of a function stands for."""
    if isinstance(kind, types.TypeRef) and isinstance(kind.instance_type, Vector):
        return kind.instance_type
    raise TypingError(f"kind: one of {', '.join(f'simd.{one}' for one in KINDS)}, got {kind}")


def vector(name: str, given) -> Vector:
    """Return the type `given` if it is that of a vector; `name` is what an error calls it."""
    if not isinstance(given, Vector):
        raise TypingError(f"{name}: a vector, got {given}; of a number make one by simd.splat")
    return given


def mask_for(kind: Vector, given) -> Mask:
    """Return the type `given` if it is that of a mask for vectors of a kind."""
    if given != kind.mask:
        raise TypingError(f"mask: {kind.mask}, as comparisons of {kind} make it, got {given}")
    return given
