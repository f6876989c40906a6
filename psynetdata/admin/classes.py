"""Which classes a mirrored table holds, for its filter: classes have no index, so what was found is kept.

Only the deployments whose table changed since are looked through again.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection

from django.core.cache import cache

from psynetdata.models import TYPED_MODELS, MirroredTable, MirrorModel, Record

KEEP = 24 * 3600  # seconds


def class_names(model: type[MirrorModel], face: str, hidden: Collection[int] = ()) -> list[str]:
    """Every class in a table of a face, of the deployments that are not hidden; in the order of the alphabet."""
    states = _states(model, face)
    rows = model._default_manager.using(face)
    if not states:
        rows = rows.exclude(deployment_number__in=hidden) if hidden else rows
        return sorted(rows.order_by().values_list("class_name", flat=True).distinct())
    name = f"classes-{face}-{model.__name__}"
    kept = {number: found for number, found in cache.get(name, {}).items() if found[0] == states.get(number)}
    if changed := states.keys() - kept.keys():
        found = defaultdict(list)
        pairs = rows.filter(deployment_number__in=changed).order_by().values_list("deployment_number", "class_name")
        for number, class_name in pairs.distinct():
            found[number].append(class_name)
        kept |= {number: (states[number], found[number]) for number in changed}
        cache.set(name, kept, KEEP)
    return sorted({one for number, (_, names) in kept.items() if number not in hidden for one in names})


def _states(model: type[MirrorModel], face: str) -> dict[int, str]:
    """{deployment: what names the state of its rows}; a Record may be of many tables."""
    shown = MirroredTable.objects.using(face)
    shown = shown.exclude(table__in=TYPED_MODELS) if model is Record else shown.filter(table=model.TABLE)
    digests = defaultdict(hashlib.sha256)
    for number, *state in shown.order_by("table").values_list("deployment_number", "table", "state", "transform"):
        digests[number].update(repr(state).encode())
    return {number: digest.hexdigest() for number, digest in digests.items()}
