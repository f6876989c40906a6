"""The anonymizer of a deployment: its key, the policy, and the identifiers that its tables hold."""

import hashlib
from collections.abc import Callable
from functools import cached_property

from django.db import transaction

from psynetdata import sealing
from psynetdata.anonymize import ruleset
from psynetdata.anonymize.identifiers.collection import collect
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.anonymize.rows.affected_rows import AffectedRows, affected_rows
from psynetdata.anonymize.rows.anonymizer import Anonymizer, TableAnonymizer
from psynetdata.anonymize.rows.options import Options
from psynetdata.anonymize.text import pseudonyms
from psynetdata.models import Deployment
from psynetdata.psynet.ownership.people import People
from psynetdata.psynet.table_source import TableSource
from psynetdata.psynet.tables import Column

from . import identifier_cache, pseudonym_numbers

_LEVEL = "shared"  # of the anonymous face


def anonymizer(
    deployment: Deployment,
    source: TableSource,
    ledger: identifier_cache.Ledger,
    *,
    level: str = _LEVEL,
    options: Options | None = None,
) -> Anonymizer:
    """Return the anonymizer of a deployment for the rows of `source`.

    It reads the tables that hold identifiers once; where the source has parts it uses what is already known of them.
    Its output depends only on source, ledger, policy, key, level and options, and on the stored numbers if the options
    ask for numbered pseudonyms.
    """
    key, policy, options = key_of(deployment), policy_of(deployment), options or Options()
    if isinstance(source, identifier_cache.HashedSource):
        finder = identifier_cache.IdentifierFinder(deployment, source, ledger, policy, ruleset.VERSION, keeps=False)
        identifiers = finder.find()
    else:
        identifiers = collect(source, policy, ledger.entries)
    names = pseudonyms.Pseudonyms(key)
    if options.pseudonyms == "number":
        names = pseudonym_numbers.numbered(deployment, identifiers, key)
    people = People.from_source(source) if options.shift_dates else People()
    return Anonymizer(
        policy=policy, pseudonyms=names, identifiers=identifiers, level=level, options=options, people=people
    )


def policy_of(deployment: Deployment) -> Policy:
    """Return the policy that comes with psynetdata, overridden by the decisions made for the deployment."""
    policy = Policy.load().withholding() if withholds(deployment) else Policy.load()
    fields = ("table", "column", "selector", "shared", "open", "kind", "reason")
    decisions = deployment.first.decisions.values_list(*fields)
    return policy.extended(Rule(*each) for each in decisions)


def withholds(deployment: Deployment) -> bool:
    """Return whether undecided data is withheld at level shared too, according to the database now."""
    return Deployment.objects.values_list("withhold_undecided", flat=True).get(pk=deployment.first.pk)


class FaceAnonymizer:
    """Fills the anonymous face with the rows of one moment (a mirror.Filling).

    Its name consists of level, code, policy, key and identifiers. If the identifiers of that moment and of the ledger's
    state are known, nothing has to be read to get the name.
    """

    def __init__(
        self,
        deployment: Deployment,
        source: identifier_cache.HashedSource,
        ledger: identifier_cache.Ledger,
        *,
        check_cancelled: Callable[[], None] | None = None,
    ):
        """`check_cancelled` is called regularly and may raise an exception to stop."""
        self._deployment, self._check_cancelled = deployment, check_cancelled
        self._key, self._policy = key_of(deployment), policy_of(deployment)
        self._finder = identifier_cache.IdentifierFinder(
            deployment, source, ledger, self._policy, ruleset.VERSION, check_cancelled
        )
        key_name = hashlib.sha256(b"name of a key:" + self._key).hexdigest()[:16]
        self._base = f"level={_LEVEL};code={ruleset.VERSION};policy={self._policy.sha256};key={key_name};identifiers="

    @cached_property
    def name(self) -> str:
        return self._base + (self._known or self._identifiers.digest)

    def table(self, table: str, columns: list[Column]) -> TableAnonymizer:
        return self._anonymizer.table(table, columns)

    def name_of(self, name: str) -> str:
        """Return the name of a table or column without identifiers."""
        return self._anonymizer.scrubber.string(name)

    def since(self, name: str) -> AffectedRows | None:
        """Return what redoes the rows that were made under the name `name`; None if all rows must be done again."""
        if name not in self._since:
            old = name.startswith(self._base) and identifier_cache.identifiers_of(
                self._deployment, name.removeprefix(self._base)
            )
            self._since[name] = affected_rows(old, self._identifiers, self._make) if old else None
        return self._since[name]

    def tidy(self) -> None:
        """After the face is filled: delete the cached identifiers that only earlier moments needed."""
        if self._finder.names:
            identifier_cache.forget_others(self._deployment, self._finder.names, check_cancelled=self._check_cancelled)

    @cached_property
    def _known(self) -> str | None:
        return identifier_cache.digest_of(self._deployment, self._finder.inputs())

    @cached_property
    def _identifiers(self) -> Identifiers:
        identifiers = self._known and identifier_cache.identifiers_of(self._deployment, self._known)
        if not identifiers:
            identifiers = self._finder.find()
            identifier_cache.remember(
                self._deployment, self._finder.inputs(), identifiers, check_cancelled=self._check_cancelled
            )
        return identifiers

    @cached_property
    def _since(self) -> dict[str, AffectedRows | None]:
        return {}

    @cached_property
    def _anonymizer(self) -> Anonymizer:
        return self._make(self._identifiers)

    def _make(self, identifiers: Identifiers) -> Anonymizer:
        names = pseudonyms.Pseudonyms(self._key)
        return Anonymizer(policy=self._policy, pseudonyms=names, identifiers=identifiers, level=_LEVEL)


def key_of(deployment: Deployment) -> bytes:
    """Return the deployment's pseudonym key, creating it when it is first needed.

    Deployments that continue each other (`continues`) share one key.
    """
    first = deployment.first
    sealed = Deployment.objects.values_list("sealed_key", flat=True).get(pk=first.pk)
    if sealed:
        return sealing.unseal_key(sealed)
    with transaction.atomic():
        row = Deployment.objects.select_for_update().get(pk=first.pk)
        if not row.sealed_key:
            row.sealed_key = sealing.seal_key(pseudonyms.new_key())
            row.save(update_fields=["sealed_key"])
    return sealing.unseal_key(row.sealed_key)
