"""The sidebar. settings.UNFOLD["SIDEBAR"]["navigation"] names `navigation`; pages of other apps have no link in it."""

from django.urls import reverse

_GROUPS = {
    "Experiments": (
        ("Deployments", "rocket_launch", "psynetdata.deployment"),
        ("Snapshots", "photo_camera", "exports.snapshot"),
        ("Exports", "download", "exports.export"),
        ("Jobs", "pending_actions", "psynetdata.job"),
        ("Incidents", "notifications", "exports.incident"),
    ),
    "Data": (
        ("Participants", "group", "psynetdata.participant"),
        ("Trials", "quiz", "psynetdata.trial"),
        ("Responses", "chat", "psynetdata.response"),
        ("Assets", "perm_media", "psynetdata.asset"),
        ("Nodes", "circle", "psynetdata.node"),
        ("Networks", "hub", "psynetdata.network"),
        ("Other tables", "table_rows", "psynetdata.record"),
        ("Saved sheets", "view_column", "psynetdata.savedsheet"),
    ),
    "Access": (
        ("API tokens", "key", "psynetdata.apitoken"),
        ("Sheet links", "link", "psynetdata.sheetlink"),
        ("Withdrawals", "person_off", "exports.withdrawal"),
        ("Audit log", "policy", "psynetdata.audit"),
        ("Accounts", "person", "auth.user"),
        ("Groups", "groups", "auth.group"),
    ),
}


def navigation(request) -> list[dict]:
    """Return unfold's sidebar for this user: only models that they may view."""
    overview = {"title": "Overview", "icon": "home", "link": reverse("admin:index")}
    return [{"items": [overview]}] + [
        {"title": title, "separator": True, "items": items}
        for title, entries in _GROUPS.items()
        if (items := [_item(*entry) for entry in entries if _may_view(request.user, entry[2])])
    ]


def _item(title: str, icon: str, model: str) -> dict:
    return {"title": title, "icon": icon, "link": reverse(f"admin:{model.replace('.', '_')}_changelist")}


def _may_view(user, model: str) -> bool:
    app, name = model.split(".")
    return user.has_perm(f"{app}.view_{name}") or user.has_perm(f"{app}.change_{name}")
