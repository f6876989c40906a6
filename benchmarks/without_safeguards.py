"""manage.py without the safeguards that WITHOUT names (folders, reading), for `benchmarks.snapshots --safeguards`."""

import os
import sys


def main() -> None:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "psynetdata.settings")
    import django

    django.setup()
    from exports.store.writer import StoreWriter
    from psynetdata.infra import storage

    without = os.environ["WITHOUT"].split(",")
    if "folders" in without:
        storage._sync_folder = lambda _folder: None
    if "reading" in without:
        StoreWriter._check_known = lambda _writer, _ref, _path: None
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
