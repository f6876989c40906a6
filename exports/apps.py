from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "exports"
    verbose_name = "Snapshots and exports"

    def ready(self):
        from exports import tasks  # noqa: F401  tells psynetdata.jobs which function does which kind of job
