from exports.backup import recovery_sheet
from psynetdata.management.cli import Command as BaseCommand


class Command(BaseCommand):
    help = "Print the recovery sheet, to be kept on paper: where keys, storage and backups are, and how to restore."

    def add_arguments(self, parser):
        parser.add_argument("--confirm", action="store_true", help="It is on paper: the desk stops reminding.")

    def run(self, *, confirm: bool, **options):
        if confirm:
            recovery_sheet.confirm(None)
            self.stdout.write("The desk does not remind of the recovery sheet any more.")
        else:
            self.stdout.write(recovery_sheet.recovery_sheet().to_text(), ending="")
