"""All URLs of the site; like the settings, this file connects both apps."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from exports.admin.dashboard.overview import fragment
from exports.admin.dashboard.recovery import recovery_page
from psynetdata.admin.pages.shown_face import switch_face
from psynetdata.admin.sign_in import ChangePasswordView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/face/", admin.site.admin_view(switch_face), name="switch-face"),
    path("admin/recovery/", admin.site.admin_view(recovery_page), name="recovery"),
    path("admin/overview/", admin.site.admin_view(fragment), name="overview"),
    path("admin/password_change/", admin.site.admin_view(ChangePasswordView.as_view()), name="password_change"),
    path("admin/", admin.site.urls),
    path("", include("psynetdata.api.urls")),
    path("", include("exports.api.urls")),
]

handler404 = "psynetdata.api.errors.not_found"
