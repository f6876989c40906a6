from django.conf import settings
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import DEFAULT_DB_ALIAS, connections


class Command(DjangoMigrate):
    help = "Bring the site's database and both faces of the mirror to the current structure."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def get_check_kwargs(self, options):
        return {**super().get_check_kwargs(options), "databases": [options["database"] or DEFAULT_DB_ALIAS]}

    def handle(self, *args, **options):
        # Without --database all three are migrated: the first page would fail on an outdated face.
        for alias in [options["database"]] if options["database"] else [DEFAULT_DB_ALIAS, *settings.FACES]:
            self._make_schema(alias)
            super().handle(*args, **{**options, "database": alias, "app_label": self._app(alias, options)})

    @staticmethod
    def _app(alias: str, options: dict) -> str | None:
        """Return the only app whose tables a face holds: the migrations of all others would do nothing, slowly."""
        return options["app_label"] or ("psynetdata" if alias in settings.FACES else None)

    @staticmethod
    def _make_schema(alias: str) -> None:
        connection = connections[alias]
        if alias in settings.FACES and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {connection.ops.quote_name(alias)}")
