from django.urls import path

from .deployments import VERBS, DeploymentViewSet
from .download import DownloadView
from .exports import ExportViewSet
from .metrics import MetricsView
from .policy import PolicyView
from .snapshots import SnapshotViewSet

_READ_ALL, _READ_ONE = {"get": "list"}, {"get": "retrieve"}
_UNDECIDED = {"get": "undecided", "post": "start_listing", "put": "withhold"}
_DECISIONS = {"get": "decisions", "post": "decide", "delete": "forget"}

urlpatterns = [
    path("api/deployments/", DeploymentViewSet.as_view(_READ_ALL), name="deployments"),
    path("api/deployments/<str:pk>/", DeploymentViewSet.as_view(_READ_ONE), name="deployment"),
    *(
        path(
            f"api/deployments/<str:pk>/{verb}/",
            DeploymentViewSet.as_view({"post": "move"}),
            {"verb": verb},
            name=f"deployment-{verb}",
        )
        for verb in VERBS
    ),
    path("api/deployments/<str:pk>/undecided/", PolicyView.as_view(_UNDECIDED), name="undecided"),
    path("api/deployments/<str:pk>/decisions/", PolicyView.as_view(_DECISIONS), name="decisions"),
    path("api/snapshots/", SnapshotViewSet.as_view({**_READ_ALL, "post": "create"}), name="snapshots"),
    path("api/snapshots/<int:pk>/", SnapshotViewSet.as_view(_READ_ONE), name="snapshot"),
    path("api/snapshots/<int:pk>/diff/<int:other>/", SnapshotViewSet.as_view({"get": "diff"}), name="snapshot-diff"),
    path("api/snapshots/jobs/<int:pk>/", SnapshotViewSet.as_view({"get": "job"}), name="snapshot-job"),
    path("api/exports/", ExportViewSet.as_view({**_READ_ALL, "post": "create"}), name="exports"),
    path("api/exports/<int:pk>/", ExportViewSet.as_view(_READ_ONE), name="export"),
    path("api/exports/<int:pk>/cancel/", ExportViewSet.as_view({"post": "cancel"}), name="export-cancel"),
    path("api/exports/<int:pk>/download/", DownloadView.as_view(), name="export-download"),
    path("metrics", MetricsView.as_view(), name="metrics"),
]
