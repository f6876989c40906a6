from django.urls import path

from .deployments import DeploymentViewSet
from .download import DownloadView
from .exports import ExportViewSet
from .snapshots import SnapshotViewSet

_READ_ALL, _READ_ONE = {"get": "list"}, {"get": "retrieve"}

urlpatterns = [
    path("api/deployments/", DeploymentViewSet.as_view(_READ_ALL), name="deployments"),
    path("api/deployments/<str:pk>/", DeploymentViewSet.as_view(_READ_ONE), name="deployment"),
    path("api/snapshots/", SnapshotViewSet.as_view(_READ_ALL), name="snapshots"),
    path("api/snapshots/<int:pk>/", SnapshotViewSet.as_view(_READ_ONE), name="snapshot"),
    path("api/exports/", ExportViewSet.as_view({**_READ_ALL, "post": "create"}), name="exports"),
    path("api/exports/<int:pk>/", ExportViewSet.as_view(_READ_ONE), name="export"),
    path("api/exports/<int:pk>/cancel/", ExportViewSet.as_view({"post": "cancel"}), name="export-cancel"),
    path("api/exports/<int:pk>/download/", DownloadView.as_view(), name="export-download"),
]
