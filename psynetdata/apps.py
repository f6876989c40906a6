from django.apps import AppConfig


class PsynetdataConfig(AppConfig):
    name = "psynetdata"
    verbose_name = "Experiments"

    def ready(self):
        from psynetdata.sheets.basic_data import system_checks  # noqa: F401  registers the system check of BASIC_DATA_MODULES
