"""Django's system checks for the experimenters' modules: an error for each broken one."""

from django.core.checks import Error, register


@register()
def basic_data_modules(app_configs, **kwargs) -> list[Error]:
    # Imported here: this file is read while apps are still getting ready.
    from . import modules
    from .experiment import claimed_twice

    broken = [Error(sentence, id="psynetdata.E001") for sentence in modules.problems()]
    return broken + [Error(sentence, id="psynetdata.E002") for sentence in claimed_twice()]
