"""Names of an experimenter's own tables, columns, sequences and classes, as a caller may see them.

Snapshots hold them as the database has them. In the mirror they are already rewritten (psynetdata.mirror.face_names).
"""

from collections.abc import Callable, Iterable
from copy import copy
from functools import cache, cached_property, lru_cache

from exports.assets.personal_assets import shown_digest
from psynetdata.anonymize.face.deployment_anonymizer import key_of
from psynetdata.anonymize.face.identifier_cache import identifiers_of
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.anonymize.text.scrubber import Scrubber
from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.mirror import table_names
from psynetdata.models import Decision, Deployment, MirroredTable
from psynetdata.psynet.problems import NotFound
from psynetdata.psynet.tables import known_tables

WITHHELD = "[withheld]"


class ShownNames:
    """Names of one deployment on a face. While nobody knows its identifiers, other names than PsyNet's are withheld."""

    def __init__(self, face: str, deployment: Deployment):
        self.face, self._all, self._deployment = face, face == IDENTIFIED, deployment

    def name(self, name: str) -> str:
        return name if self._all or name in _of_psynet() or name in self._shown else self._scrub(name)

    def path(self, path: str) -> str:
        """Return the path of a file without identifiers."""
        return path if self._all or not path else self._scrub(path)

    def listed(self, undecided: Iterable[dict]) -> list[dict]:
        """Return undecided places with names that the caller may see; their selectors hold no identifier already."""
        return [each | {"table": self.name(each["table"]), "column": self.name(each["column"])} for each in undecided]

    def decisions(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Return decisions, not to be saved, about places with names that the caller may see."""
        shown = list(map(copy, decisions))
        for one in shown if not self._all else ():
            one.table, one.column, one.selector = self.name(one.table), self.name(one.column), self.path(one.selector)
        return shown

    def tables(self, names: Iterable[str]) -> dict[str, str]:
        """Return {table: its name on the face}, no two alike."""
        return table_names(names, self.name)

    @cached_property
    def _shown(self) -> frozenset[str]:
        """The names of tables and classes that the anonymous face shows: they hold no identifier."""
        rows = MirroredTable.objects.using(ANONYMOUS).filter(deployment_number=self._deployment.number)
        listed = list(rows.values_list("table", "classes"))
        return frozenset({table for table, _ in listed} | {name for _, classes in listed for name in classes})

    @cached_property
    def _scrub(self) -> Callable[[str], str]:
        digest = shown_digest(self._deployment)
        try:
            return _scrubber(self._deployment, digest, key_of(self._deployment)).string
        except NotFound:
            return lambda _: WITHHELD


@lru_cache(maxsize=4)  # a hundred thousand identifiers take a second to prepare
def _scrubber(deployment: Deployment, digest: str, key: bytes) -> Scrubber:
    """Return what hides the identifiers with this digest; raises NotFound if they are not known."""
    identifiers = identifiers_of(deployment, digest) if digest else None
    if identifiers is None:
        raise NotFound("The identifiers of this deployment are not known yet; a snapshot finds them.")
    return Scrubber(identifiers, Pseudonyms(key))


@cache
def _of_psynet() -> frozenset[str]:
    tables = known_tables()
    columns = {column for names in tables.values() for column in names}
    return frozenset({*tables, *columns, *(f"{table}_id_seq" for table in tables)})
