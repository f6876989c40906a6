"""What commands do stands in the audit log: one line each, with the deployment, and no account since none is known."""

import pytest
from django.contrib.auth.models import User

from exports.models import Snapshot
from psynetdata.models import Audit

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
RULE = ("--shared", "drop", "--open", "drop", "--kind", "choice")

# (words, verb, the beginning of what it names, whether identified data leaves)
COMMANDS = [
    (("snapshot", "pin", "{snapshot}"), "pin", "snapshot {snapshot}", False),
    (("snapshot", "unpin", "{snapshot}"), "unpin", "snapshot {snapshot}", False),
    (("snapshot", "download", "{snapshot}", "{folder}/database.zip"), "download", "snapshot {snapshot}", True),
    (("export", "--anonymize", "no", "--assets", "none", "--path", "{folder}/regular"), "export", "export ", True),
    (("export", "--anonymize", "yes", "--assets", "none", "--path", "{folder}/open"), "export", "export ", False),
    (("withdraw", "1"), "withdraw", "participant 1", True),
    (("withdraw", "--take-back", "1"), "take back", "withdrawal of participant 1", True),
    (("policy", "decide", "response", "answer", "chord", *RULE), "decide", "response.answer chord", False),
    (("policy", "forget", "response", "answer", "chord"), "forget decision", "response.answer chord", False),
    (("policy", "withhold", "yes"), "withhold undecided", "", False),
    (("keys", "export", "{folder}/key.json"), "export key", "{id}", True),
    (("keys", "destroy", "--yes"), "destroy key", "{id}", True),
    (("token", "ada", "--identified", "--deployment", "{id}"), "issue", "token ", True),
    (("deployment", "archive", "{id}"), "archive", "{id}", False),
]


def test_each_command_leaves_one_line(loaded, typed, tmp_path):
    deployment = loaded("timeline")
    User.objects.create_superuser("ada")
    told = {"folder": tmp_path, "id": deployment.deployment_id, "snapshot": Snapshot.objects.get().pk}
    for words, verb, target, identified in COMMANDS:
        Audit.objects.all().delete()
        status, _, err = typed(*(word.format(**told) for word in words))
        assert status == 0, (words, err)
        lines = [
            (line.verb, line.username, line.user, line.deployment, line.identified) for line in Audit.objects.all()
        ]
        assert lines == [(verb, "command line", None, deployment, identified)], words
        assert Audit.objects.get().target.startswith(target.format(**told)), words


def test_what_is_loaded_is_on_record(typed, database_zip):
    assert typed("load", database_zip("timeline"))[0] == 0
    line = Audit.objects.get()
    snapshot = Snapshot.objects.get()
    assert (line.verb, line.target, line.deployment) == ("load", str(snapshot), snapshot.deployment)
