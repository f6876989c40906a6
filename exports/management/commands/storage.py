from exports.operations import encryption
from psynetdata.management.cli import Command as BaseCommand


class Command(BaseCommand):
    help = "Report whether the storage is encrypted; encrypt all of its files with the newest key of STORAGE_KEY."

    def add_arguments(self, parser):
        parser.add_argument("verb", nargs="?", default="status", choices=["status", "encrypt"], metavar="VERB")

    def run(self, *, verb: str, **options):
        if verb == "encrypt":
            result = self.job(encryption.KIND).result
            self.stdout.write(f"{result['files']} of {result['checked']} files were encrypted")
        self.stdout.write(encryption.state())
