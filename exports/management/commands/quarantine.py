from django.db.models import Q

from exports.management.text_table import table
from exports.models import QuarantinedFile
from exports.store.quarantine import DAYS
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.psynet import times
from psynetdata.psynet.problems import NotFound, UsageError


class Command(BaseCommand):
    help = (
        "List the files of the storage that nothing refers to though nobody decided to delete them. They stay where "
        f"they are; a prune deletes them after {DAYS} days, unless they are kept."
    )

    def add_arguments(self, parser):
        parser.add_argument("verb", nargs="?", default="list", choices=["list", "keep", "release"], metavar="VERB")
        parser.add_argument("names", nargs="*", metavar="NAME", help="Files or folders, as listed.")

    def run(self, *, verb: str, names: list[str], **options):
        if verb == "list":
            self._list(_named(names))
            return
        if not names:
            raise UsageError(f"Name the files or folders to {verb}, as `manage.py quarantine` lists them.")
        count = _named(names).update(kept=verb == "keep")
        if not count:
            raise NotFound("No file in quarantine has such a name; `manage.py quarantine` lists them.")
        self.stdout.write(f"{count} files " + ("stay for good" if verb == "keep" else "go when their time is over"))

    def _list(self, files) -> None:
        rows = [
            [
                file.name,
                file.bytes,
                times.to_iso(file.modified_at),
                times.to_iso(file.found_at),
                "yes" if file.kept else "",
            ]
            for file in files.iterator()
        ]
        if rows:
            self.stdout.write("\n".join(table(["file", "bytes", "written", "found", "kept"], rows)))
        self.stdout.write(f"{len(rows)} files in quarantine")


def _named(names: list[str]):
    chosen = Q()
    for name in names:
        chosen |= Q(name=name) | Q(name__startswith=name.rstrip("/") + "/")
    return QuarantinedFile.objects.filter(chosen)
