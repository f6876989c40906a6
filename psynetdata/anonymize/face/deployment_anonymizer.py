"""The anonymizer of a deployment: its key, the policy, and the identifiers that its tables hold."""

import hashlib
from collections.abc import Callable
from functools import cached_property

from django.conf import settings
from django.db import transaction

from psynetdata.anonymize import ruleset
from psynetdata.anonymize.identifiers.collection import collect
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.anonymize.rows.affected_rows import Redo, redo
from psynetdata.anonymize.rows.anonymizer import Anonymizer, TableAnonymizer
from psynetdata.anonymize.rows.options import Options
from psynetdata.anonymize.rows.owners import People
from psynetdata.anonymize.text import pseudonyms
from psynetdata.models import Deployment
from psynetdata.psynet.table_source import TableSource
from psynetdata.psynet.tables import Column

from . import identifier_cache, pseudonym_numbers

_LEVEL = "shared"  # of the anonymous face


def anonymizer(
    deployment: Deployment, source: TableSource, *, level: str = _LEVEL, options: Options | None = None
) -> Anonymizer:
    """Reads the tables that hold identifiers once, or what is known of their parts where the source has parts.

    What it gives out depends on source, policy, key, level and options only, and on the numbers kept where asked for.
    """
    key, policy, options = key_of(deployment), policy_of(deployment), options or Options()
    if isinstance(source, identifier_cache.InParts):
        found = identifier_cache.Finder(deployment, source, policy, ruleset.VERSION, keeps=False).find()
    else:
        found = collect(source, policy)
    names = pseudonyms.Pseudonyms(key)
    if options.pseudonyms == "number":
        names = pseudonym_numbers.numbered(deployment, found, key)
    people = People.of(source) if options.shift_dates else People()
    return Anonymizer(policy=policy, pseudonyms=names, identifiers=found, level=level, options=options, people=people)


def policy_of(deployment: Deployment) -> Policy:
    """The policy that comes with psynetdata, with what was decided for the deployment laid over it."""
    policy = Policy.load().withholding() if withholds(deployment) else Policy.load()
    fields = ("table", "column", "selector", "shared", "open", "kind", "reason")
    decisions = deployment.first.decisions.values_list(*fields)
    return policy.extended(Rule(*each) for each in decisions)


def withholds(deployment: Deployment) -> bool:
    """Whether what nobody decided about is withheld at level shared too, as it stands in the database now."""
    return Deployment.objects.values_list("withhold_undecided", flat=True).get(pk=deployment.first.pk)


class Anonymizing:
    """What fills the anonymous face with one moment (a mirror.Filling), named by level, code, policy, key, identifiers.

    Where the identifiers of that moment are known nothing is read to tell the name.
    """

    def __init__(
        self, deployment: Deployment, source: identifier_cache.InParts, *, look: Callable[[], None] | None = None
    ):
        """`look` is called now and then and may raise to stop."""
        self._deployment, self._look = deployment, look
        self._key, self._policy = key_of(deployment), policy_of(deployment)
        self._finder = identifier_cache.Finder(deployment, source, self._policy, ruleset.VERSION, look)
        key_name = hashlib.sha256(b"name of a key:" + self._key).hexdigest()[:16]
        self._base = f"level={_LEVEL};code={ruleset.VERSION};policy={self._policy.sha256};key={key_name};identifiers="

    @cached_property
    def name(self) -> str:
        return self._base + (self._known or self._identifiers.digest)

    def table(self, table: str, columns: list[Column]) -> TableAnonymizer:
        return self._anonymizer.table(table, columns)

    def since(self, name: str) -> Redo | None:
        """What became of rows that came out under another name; None where all have to be done again."""
        if name not in self._since:
            old = name.startswith(self._base) and identifier_cache.identifiers_of(
                self._deployment, name.removeprefix(self._base)
            )
            self._since[name] = redo(old, self._identifiers, self._make) if old else None
        return self._since[name]

    def tidy(self) -> None:
        """When the face is filled: forget what only earlier moments needed."""
        if self._finder.names:
            identifier_cache.forget_others(self._deployment, self._finder.names, look=self._look)

    @cached_property
    def _known(self) -> str | None:
        return identifier_cache.digest_of(self._deployment, self._finder.inputs())

    @cached_property
    def _identifiers(self) -> Identifiers:
        found = self._known and identifier_cache.identifiers_of(self._deployment, self._known)
        if not found:
            found = self._finder.find()
            identifier_cache.remember(self._deployment, self._finder.inputs(), found, look=self._look)
        return found

    @cached_property
    def _since(self) -> dict[str, Redo | None]:
        return {}

    @cached_property
    def _anonymizer(self) -> Anonymizer:
        return self._make(self._identifiers)

    def _make(self, found: Identifiers) -> Anonymizer:
        names = pseudonyms.Pseudonyms(self._key)
        return Anonymizer(policy=self._policy, pseudonyms=names, identifiers=found, level=_LEVEL)


def key_of(deployment: Deployment) -> bytes:
    """The deployment's pseudonym key, made when it is first needed; shared along `continues`."""
    first = deployment.first
    sealed = Deployment.objects.values_list("sealed_key", flat=True).get(pk=first.pk)
    if sealed:
        return pseudonyms.unseal(sealed, settings.MASTER_KEY.encode())
    with transaction.atomic():
        row = Deployment.objects.select_for_update().get(pk=first.pk)
        if not row.sealed_key:
            _check_master_key()
            row.sealed_key = pseudonyms.seal(pseudonyms.new_key(), settings.MASTER_KEY.encode())
            row.save(update_fields=["sealed_key"])
    return pseudonyms.unseal(row.sealed_key, settings.MASTER_KEY.encode())


def _check_master_key() -> None:
    """Raise the Problem of a lost master key now, before a new deployment is sealed with another one."""
    sealed = Deployment.objects.exclude(sealed_key="").values_list("sealed_key", flat=True).first()
    if sealed:
        pseudonyms.unseal(sealed, settings.MASTER_KEY.encode())
