from django.apps import AppConfig


class PsynetdataConfig(AppConfig):
    name = "psynetdata"
    verbose_name = "Experiments"

    def ready(self):
        from psynetdata.infra import lifeline
        from psynetdata.sheets.basic_data import system_checks  # noqa: F401  registers the system check of BASIC_DATA_MODULES

        lifeline.follow()  # in the web server and the clusters that `serve` started
