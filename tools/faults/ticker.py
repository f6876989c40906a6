"""Send `tick` to the fast cluster every few seconds: in earnest its schedule does that each minute."""

import sys
import time

import django

EVERY = 3.0  # seconds
_MOST = 2  # ticks that may wait, while nobody takes them


def main() -> None:
    django.setup()
    from django.db import Error, connections
    from django_q.tasks import async_task
    from redis.exceptions import RedisError

    from psynetdata import clusters

    number = 0
    while True:
        time.sleep(EVERY)
        number += 1
        try:
            if sum(name.startswith("faults ") for name in clusters.waiting_tasks(clusters.FAST)) < _MOST:
                async_task("psynetdata.jobs.tick", cluster=clusters.FAST, task_name=f"faults {number}")
        except (Error, RedisError, OSError) as error:  # the fault is the database's, or that of Redis
            print(type(error).__name__, file=sys.stderr)
        finally:
            connections.close_all()


if __name__ == "__main__":
    main()
