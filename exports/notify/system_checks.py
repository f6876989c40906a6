"""Django's system checks of the channels: a warning if one is only partly set up."""

from django.conf import settings
from django.core.checks import Warning, register

_NEEDED = {
    "Slack": ("SLACK_BOT_TOKEN", "SLACK_CHANNEL"),
    "E-mail": ("EMAIL_URL", "ALARM_EMAILS", "EMAIL_FROM"),
}


@register()
def half_set_up(app_configs, **kwargs) -> list[Warning]:
    set_here = {
        "SLACK_BOT_TOKEN": settings.SLACK_BOT_TOKEN,
        "SLACK_CHANNEL": settings.SLACK_CHANNEL,
        "EMAIL_URL": settings.EMAIL_HOST,
        "ALARM_EMAILS": settings.ALARM_EMAILS,
        "EMAIL_FROM": settings.EMAIL_FROM,
    }
    errors = []
    for label, names in _NEEDED.items():
        missing = [name for name in names if not set_here[name]]
        if missing and len(missing) < len(names):
            verb = "is" if len(missing) == 1 else "are"
            sentence = f"{label} is only partly set up and sends no alarms: {' and '.join(missing)} {verb} not set."
            errors.append(Warning(sentence, id="exports.W001"))
    return errors
