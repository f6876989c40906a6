"""Run pytest with a real PostgreSQL 18 behind DATABASE_URL: `python -m tests.on_postgres [pytest options]`.

The server lives in a temporary folder and ends with the run.
"""

import os
import subprocess
import sys

from tests.servers import Server


def main() -> int:
    with Server(18, in_memory=True) as server:
        command = [sys.executable, "-m", "pytest", *sys.argv[1:]]
        return subprocess.call(command, env=os.environ | {"DATABASE_URL": server.socket_url()})


if __name__ == "__main__":
    sys.exit(main())
