from exports.notify.channel_test import try_channels
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.psynet.problems import Problem, UsageError


class Command(BaseCommand):
    help = "Send a test message through each channel for alarms and exports."

    def add_arguments(self, parser):
        parser.add_argument("--test", action="store_true", help="Send it.")

    def run(self, *, test: bool, **options) -> None:
        if not test:
            raise UsageError("Say what to send: --test sends a test message through each channel that is set up.")
        outcomes = try_channels()
        if not outcomes:
            raise Problem(
                "No channel is set up, so no alarm is sent; docs/alarms.md says how to set up Slack and e-mail."
            )
        for label, why in outcomes:
            if not why:
                self.stdout.write(f"{label}: sent")
        if failed := [f"{label}: {why}" for label, why in outcomes if why]:
            raise Problem("\n".join(failed))
