"""What is to be seen of copies, as the native module wants it."""

from __future__ import annotations

import weakref

from copain import _native
from copain.copies import Seen
from copain.memory import Variable
from copain.sight import RamSight

_sights: weakref.WeakKeyDictionary[RamSight, _native.RamSight] = weakref.WeakKeyDictionary()
_TYPES = {"bcd": 2, "digits": 3}


def native_seen(seen: Seen) -> _native.Seen:
    """What is to be seen; holds the arrays."""
    features, grey = seen.features, seen.grey
    return _native.Seen(
        seen.ram,
        None if seen.sight is None else native_sight(seen.sight),
        seen.numbers,
        None if features is None else features.kept,
        None if features is None else features.given,
        None if grey is None else grey.kept,
        None if grey is None else grey.given,
        seen.screen,
        seen.fresh,
    )


def native_sight(sight: RamSight) -> _native.RamSight:
    """Which numbers of RAM are seen, and what they become; made once for each."""
    native = _sights.get(sight)
    if native is None:
        features = [
            (feature.index, feature.equals is not None, float(low), float(scale))
            for feature, low, scale in zip(sight.features, sight.low, sight.scale, strict=True)
        ]
        native = _native.RamSight([_number(one) for one in sight.variables], features, sight.kept)
        _sights[sight] = native
    return native


def _number(variable: Variable) -> tuple[int, int, int, bool, bool, int]:
    kind = _TYPES.get(variable.type, int(variable.type.startswith("i")))
    mask = -1 if variable.mask is None else variable.mask
    big = variable.order == "big"
    return (variable.address, variable.length, kind, big, variable.swapped, mask)
