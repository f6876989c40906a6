from exports.notify.channels import channels
from exports.notify.message import test_message
from exports.notify.problems import Undelivered
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.psynet.problems import Problem, UsageError


class Command(BaseCommand):
    help = "Send a test message through each channel that alarms are told through."

    def add_arguments(self, parser):
        parser.add_argument("--test", action="store_true", help="Send it.")

    def run(self, *, test: bool, **options) -> None:
        if not test:
            raise UsageError("Say what to send: --test sends a test message through each channel that is set up.")
        found = channels()
        if not found:
            raise Problem(
                "No channel is set up, so no alarm is told; docs/alarms.md says how to set up Slack and e-mail."
            )
        failed = []
        for channel in found:
            try:
                channel.send(test_message())
            except Undelivered as problem:
                failed.append(f"{channel.label}: {problem.sentence}")
            else:
                self.stdout.write(f"{channel.label}: sent")
        if failed:
            raise Problem("\n".join(failed))
