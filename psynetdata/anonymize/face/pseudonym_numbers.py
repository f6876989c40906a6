"""Verb: assign numbers to values that have none yet, and store them."""

from collections import Counter

from django.db import transaction
from django.db.models import Max

from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.text.numbered_pseudonyms import NumberedPseudonyms, to_number
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.models import Deployment, Numbered


def numbered(deployment: Deployment, identifiers: Identifiers, key: bytes) -> NumberedPseudonyms:
    """Return pseudonyms with a number for every value in `identifiers`; a value that had a number keeps it.

    New numbers are assigned in the order of the hashed pseudonyms, which does not reveal who joined when.
    """
    wanted = to_number(identifiers, Pseudonyms(key))
    with transaction.atomic():
        first = Deployment.objects.select_for_update().get(pk=deployment.first.pk)
        mine = Numbered.objects.filter(deployment=first)
        names = {row.pseudonym: str(row) for row in mine.iterator()}
        last = Counter(dict(mine.order_by().values_list("name").annotate(Max("number"))))
        new = []
        for pseudonym, name in sorted(set(wanted.values())):
            if pseudonym not in names:
                last[name] += 1
                row = Numbered(deployment=first, pseudonym=pseudonym, name=name, number=last[name])
                names[pseudonym] = str(row)
                new.append(row)
        Numbered.objects.bulk_create(new, batch_size=500)
    return NumberedPseudonyms(key, {value: names[pseudonym] for value, (pseudonym, _) in wanted.items()})
