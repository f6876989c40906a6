"""The admin of psynetdata's models: one file per model. Django finds it by autodiscovery."""

from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

from . import account, audit, deployment, job, token  # noqa: F401  each registers its model
from .mirror import asset, network, node, participant, record, response, trial  # noqa: F401  each registers its model
from .sheet import saved_sheet, sheet_page  # noqa: F401  each registers its model
from .sign_in import SignInForm

# The Job list shows the same and more; editing these rows by hand would run tasks twice or never.
for carrier in (Success, Failure, Schedule, OrmQ):
    if admin.site.is_registered(carrier):
        admin.site.unregister(carrier)

admin.site.login_form = SignInForm
admin.site.index_title = "Overview"
