from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "exports"
    verbose_name = "Snapshots and exports"

    def ready(self):
        # They tell psynetdata.jobs which function does which kind of job.
        from exports import tasks  # noqa: F401
        from exports.assets import tasks as asset_tasks  # noqa: F401
        from exports.notify import checks  # noqa: F401  registers the system check of half-set channels
        from exports.restore import tasks as restore_tasks  # noqa: F401
        from exports.snapshots import past  # noqa: F401  tells psynetdata.sheets where the past is kept
        from exports.snapshots import tasks as snapshot_tasks  # noqa: F401
