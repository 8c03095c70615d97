"""Types of arguments, checked when a construct or a value is made, as libraries that jsii generates do.

A wrong type would otherwise show as an error somewhere inside, or not before the deployment.
"""

import functools
import inspect
import math
import types
import typing
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any, ParamSpec, TypeVar

from ._validate import known

T = TypeVar("T", bound=type)
P = ParamSpec("P")
R = TypeVar("R")
_SCALARS = (str, int, float, bool, bytes, list, tuple, dict, set)


def checked_arguments(cls: T) -> T:
    """Make the constructor of ``cls`` raise TypeError for an argument whose type is not that of its annotation."""
    cls.__init__ = checked_function(cls.__init__)  # type: ignore[misc]  # of this very class
    return cls


def checked_function(function: Callable[P, R]) -> Callable[P, R]:
    """Make ``function`` raise TypeError for an argument whose type is not that of its annotation."""
    signature = inspect.signature(function)

    @functools.cache
    def hints() -> dict[str, Any]:
        return typing.get_type_hints(function)

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            hint = hints().get(name)
            values = value if signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL else (value,)
            for one in values if hint is not None else ():
                if isinstance(one, float) and (math.isnan(one) or math.isinf(one)):
                    raise TypeError(f"{name} must be a finite number, got {one}")
                if not _fits(one, hint):
                    raise TypeError(f"{name} must be {_described(hint)}, got {type(one).__name__} {_shown(one)}")
        return function(*args, **kwargs)

    return checked


def _fits(value: object, hint: Any) -> bool:  # noqa: ANN401  (a type, or what typing makes of types)
    origin = typing.get_origin(hint)
    if hint is Any:
        return True
    if origin in {typing.Union, types.UnionType}:
        return any(_fits(value, choice) for choice in typing.get_args(hint))
    if origin is not None:
        return _fits_collection(value, origin, typing.get_args(hint))
    if hint is type(None):
        return value is None
    if hint in {int, float}:
        # A number that is a token is a float, whatever it stands for.
        return not isinstance(value, bool) and (isinstance(value, (int, hint)) or _is_number_token(value))
    if getattr(hint, "_is_protocol", False):
        return value is not None and not isinstance(value, _SCALARS)
    return isinstance(value, hint)


def _fits_collection(value: object, origin: Any, inner: tuple[Any, ...]) -> bool:  # noqa: ANN401  (as above)
    if issubclass(origin, Mapping):
        return isinstance(value, Mapping)  # messages about single entries name them: see ParameterGroup
    if not isinstance(value, Collection) or isinstance(value, (str, bytes, Mapping)):
        return False
    return all(_fits(element, inner[0]) for element in value)


def _is_number_token(value: object) -> bool:
    return isinstance(value, float) and not known(value)


def _described(hint: Any) -> str:  # noqa: ANN401  (as above)
    """``a NodeType``, ``an int or None``, ``a sequence of IUser``."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        return " or ".join(_described(choice) for choice in inner)
    if origin is not None:
        return "a mapping" if issubclass(origin, Mapping) else f"a sequence of {_name(inner[0])}"
    if hint is type(None):
        return "None"
    name = _name(hint)
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"


def _name(hint: Any) -> str:  # noqa: ANN401  (as above)
    name = str(getattr(hint, "__name__", hint))
    # Users know a shared base by its other name: docs/decisions/0007.
    return f"I{name.removesuffix('Base')}" if name.endswith("Base") else name


def _shown(value: object) -> str:
    if isinstance(value, (str, int, float, Enum)):
        return repr(value)
    return str(value) if type(value).__module__.startswith("cachetwin_cdk") and "object at" not in str(value) else ""
