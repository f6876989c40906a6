"""Running experiments, on PostgreSQL 18 and 12, registered as a user registers them."""

import pytest

from exports.operations import deployments


@pytest.fixture
def experiment(transactional_db, postgres):
    """experiment("static") → a registered deployment; `.url` is its database's, `.sql(…)` runs there."""
    return lambda name="static", **options: Experiment(postgres, postgres.database(name), **options)


class Experiment:
    def __init__(self, postgres, url: str, **options):
        self.postgres = postgres
        self.url = url
        self.deployment = deployments.add(url, **options).deployment

    def sql(self, sql: str, values=None) -> list[tuple]:
        return self.postgres.execute(self.url, sql, values)

    def copied(self, table: str, order: str = "id") -> bytes:
        """What COPY writes of the table now, in UTC."""
        import io

        out = io.BytesIO()
        connection = self.postgres.connect(self.url)
        with connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'; SET extra_float_digits = 1")
            cursor.copy_expert(f'COPY (SELECT * FROM "{table}" ORDER BY {order}) TO STDOUT WITH (FORMAT csv)', out)
        connection.close()
        return out.getvalue()
