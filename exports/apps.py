from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "exports"
    verbose_name = "Snapshots and exports"

    def ready(self):
        # These modules register the handlers of jobs with psynetdata.jobs.
        from exports.history import past_sheets  # noqa: F401  registers itself with psynetdata.sheets
        from exports.notify import system_checks  # noqa: F401  registers the system check of half-set channels
        from exports.tasks import asset as asset_tasks  # noqa: F401
        from exports.tasks import backup, export  # noqa: F401
        from exports.tasks import restore as restore_tasks  # noqa: F401
        from exports.tasks import snapshot as snapshot_tasks  # noqa: F401
        from exports.tasks import storage as storage_tasks  # noqa: F401
