"""Selectors of decisions, as they are written from now on.

`%` and characters that cannot be seen are written as %XX. A `*` stays a pattern, which it was. Until now a `.` in a
key stood for a point in the key's name as well as for a key below: such a decision becomes one for each reading.
"""

import re
from itertools import product

from django.db import migrations

_SPECIAL = re.compile("[%\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]|^\\s+|\\s+$")
_MOST_POINTS = 4
# Columns whose selectors are not keys.
_NAMES = (("response", "answer"), ("asset", "*"))


def written(table, column, selector):
    """Return the selectors that mean what `selector` has meant."""
    text = _SPECIAL.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "surrogatepass")), selector
    )
    parts = text.split(".")
    if (table, column) in _NAMES or not 1 < len(parts) <= _MOST_POINTS + 1:
        return [text]
    readings = product((".", "%2E"), repeat=len(parts) - 1)
    return [parts[0] + "".join(map("".join, zip(points, parts[1:]))) for points in readings]


def forwards(apps, schema_editor):
    decisions = apps.get_model("psynetdata", "Decision").objects.using(schema_editor.connection.alias)
    for decision in list(decisions.exclude(selector="")):
        first, *others = written(decision.table, decision.column, decision.selector)
        place = {"deployment_id": decision.deployment_id, "table": decision.table, "column": decision.column}
        if first != decision.selector and len(first) <= 500:
            decisions.filter(pk=decision.pk).update(selector=first)
        rule = {name: getattr(decision, name) for name in ("shared", "open", "kind", "reason", "decided_by_id")}
        for selector in others:
            if len(selector) <= 500:
                decisions.get_or_create(**place, selector=selector, defaults=rule)


class Migration(migrations.Migration):

    dependencies = [
        ('psynetdata', '0021_sign_in_failures'),
    ]

    operations = [
        migrations.RunPython(forwards, migrations.RunPython.noop, elidable=False, hints={"model_name": "decision"}),
    ]
