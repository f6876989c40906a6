"""The options of an export that is requested on the desk's pages, in words."""

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from exports.models import Snapshot
from exports.package import participant_list
from exports.package.request import ExportOptions
from psynetdata import rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.selection import is_confirmed
from psynetdata.models import Deployment
from psynetdata.psynet import times
from psynetdata.psynet.problems import UsageError

ANONYMIZE = (
    ("yes", "Yes: identifiers become pseudonyms or are withheld, and the archive is searched for them"),
    ("no", "No: everything as it is, with identified data"),
    ("both", "Both: two archives, each for downloading by people who may have it"),
)
ASSETS = (
    ("none", "No files: rows only"),
    ("experiment", "The files that the experiment made, such as recordings"),
    ("all", "All files: also stimuli, and files that are made on demand or shared between experiments"),
)
LEVELS = (
    ("shared", "For a named colleague: the experimenter's own content is exported scrubbed"),
    ("open", "For a repository: what no rule covers is withheld"),
)
TYPES = (
    ("psynet", "Full export: database, class files, basic data, assets"),
    ("database", "The database only"),
)
FILES = (
    ("csv", "CSV, for R, Python and similar programs"),
    ("excel", "CSV for Excel: marked as UTF-8, and nothing in it runs as a formula"),
    ("parquet", "Parquet, with real types"),
)
PSEUDONYMS = (
    ("hmac", "Letters of a keyed hash, such as p_mzxw6ytboi4dgnrvgeztambr"),
    ("number", "Numbers that each value keeps, such as participant_n0007"),
)
LESS = (
    ("drop_text", "Withhold what people typed; numbers stay"),
    ("shift_dates", "Move each participant's times back by 1 to 364 days; order and intervals stay"),
    ("day", "Cut times to the day"),
)
BESIDE = (
    ("source", "The experiment's source code, if it is available (never in an anonymized archive)"),
    ("strict_assets", "Fail if a file cannot be fetched, instead of listing it"),
)
SNAPSHOTS = 50  # how many one can choose from
_OF_ANONYMOUS = ("level", "pseudonyms", "more")


def _radio(label: str, choices, initial: str, **more) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, initial=initial, widget=forms.RadioSelect, **more)


def _boxes(label: str, choices, **more) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple, **more
    )


class ExportForm(forms.Form):
    """The form. Values of a group that does not apply (such as the level, if not anonymized) are ignored."""

    anonymize = _radio("Anonymize", (), "yes")
    snapshot = forms.ChoiceField(label="Snapshot", required=False, widget=UnfoldAdminSelectWidget)
    participants = forms.CharField(
        label="Participants", required=False, max_length=100_000, widget=UnfoldAdminTextInputWidget,
        help_text="Empty: all. Otherwise only the rows of these, by their ids, like 3, 5, 8-12; rows that belong to "
        "nobody (networks, nodes, stimuli) are included.",
    )  # fmt: skip
    type = _radio("What", TYPES, "psynet")
    assets = _radio("Files", ASSETS, "experiment")
    files = _radio("Class files", FILES, "csv", required=False)
    beside = _boxes("Besides", BESIDE, initial=["source"])
    level = _radio("How far", LEVELS, "shared", required=False)
    pseudonyms = _radio("Pseudonyms", PSEUDONYMS, "hmac", required=False)
    more = _boxes("Still less", LESS)

    def __init__(self, deployment: Deployment, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.deployment = deployment
        self.fields["anonymize"].choices = [choice for choice in ANONYMIZE if may_ask(user, choice[0])]
        self.fields["snapshot"].choices = _snapshots(deployment, self.data.get("snapshot"))

    @classmethod
    def filled(cls, deployment: Deployment, user, known: dict) -> "ExportForm":
        """Return the form before anybody chose anything, except for what is `known`."""
        allowed = [choice for choice, _ in ANONYMIZE if may_ask(user, choice)]
        usual = {name: field.initial for name, field in cls.base_fields.items() if field.initial is not None}
        return cls(deployment, user, {**usual, "anonymize": allowed[0], **known})

    def clean_participants(self) -> tuple[int, ...] | None:
        try:
            return participant_list.parse(self.cleaned_data["participants"])
        except UsageError as problem:
            raise forms.ValidationError(problem.sentence) from None

    def options(self) -> ExportOptions:
        """Return the options of a valid form. Raises UsageError."""
        asked = self.cleaned_data
        files = asked["files"] if asked["type"] == "psynet" else "csv"
        fields = {
            "anonymize": asked["anonymize"],
            "type": asked["type"],
            "assets": asked["assets"],
            "format": "parquet" if files == "parquet" else "csv",
            "excel": files == "excel",
            "no_source": "source" not in asked["beside"],
            "strict_assets": "strict_assets" in asked["beside"],
            "participants": asked["participants"],
        }
        return ExportOptions(**fields, **({} if asked["anonymize"] == "no" else self._anonymizing()))

    def _anonymizing(self) -> dict:
        asked = self.cleaned_data
        less = {name: name in asked["more"] for name in ("drop_text", "shift_dates")}
        chosen = {name: asked[name] for name in ("level", "pseudonyms") if asked[name]}
        return {**chosen, **less, "coarsen": "day" if "day" in asked["more"] else ""}

    @property
    def chosen(self) -> Snapshot | None:
        """The snapshot named in a valid form; None for the newest."""
        number = self.cleaned_data["snapshot"]
        return self.deployment.snapshots.filter(pk=number).first() if number else None


class SelectionForm(forms.Form):
    """The form for exports of several deployments or snapshots: only the most important options."""

    anonymize = _radio("Anonymize", (), "yes")
    type = _radio("What", TYPES, "psynet")
    assets = _radio("Files", ASSETS, "experiment")
    level = _radio("How far", LEVELS, "shared", required=False)

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["anonymize"].choices = [choice for choice in ANONYMIZE if may_ask(user, choice[0])]

    @classmethod
    def from_request(cls, request) -> "SelectionForm":
        """Return the form, bound when the page that shows it was sent; the first POST comes from the list."""
        return cls(request.user, request.POST if is_confirmed(request) else None)

    def options(self) -> ExportOptions:
        """Return the options of a valid form. Raises UsageError."""
        asked = dict(self.cleaned_data)
        level = asked.pop("level")
        return ExportOptions(**asked, **({"level": level} if level and asked["anonymize"] != "no" else {}))


def may_ask(user, anonymize: str) -> bool:
    return all(rights.can_export(user, mode) for mode in ExportOptions(anonymize=anonymize).modes)


def as_filled(options: dict) -> dict:
    """Return the form's values for options as a preset stores them."""
    less = [name for name in ("drop_text", "shift_dates") if options.get(name)]
    beside = [] if options.get("no_source") else ["source"]
    files = "excel" if options.get("excel") else options.get("format", "csv")
    same = {name: options[name] for name in ("anonymize", "type", "assets", "level", "pseudonyms") if name in options}
    return same | {
        "files": files,
        "more": less + (["day"] if options.get("coarsen") else []),
        "beside": beside + (["strict_assets"] if options.get("strict_assets") else []),
    }


def _snapshots(deployment: Deployment, named: str | None) -> list[tuple]:
    """Return the newest snapshots, and the one that the address names."""
    good = deployment.snapshots.good().only("pk", "taken_at", "rows")
    snapshots = list(good[:SNAPSHOTS])
    if named and named not in {str(row.pk) for row in snapshots}:
        snapshots += good.filter(pk=named)
    choices = [
        (str(row.pk), f"{row}: {times.in_words(row.taken_at)}, {html.number(row.rows)} rows") for row in snapshots
    ]
    return [("", "The newest good one"), *choices]
