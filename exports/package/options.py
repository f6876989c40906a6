"""The options of an export, each defined here once.

The flags of the command, the fields of the API and of the pages, the checks and the manifest's list come from these
definitions.
"""

from dataclasses import asdict, dataclass, fields

from exports.assets import plan
from psynetdata.anonymize.policy.rules import LEVELS
from psynetdata.anonymize.rows.options import COARSEN, DATES_STAY, PSEUDONYMS
from psynetdata.anonymize.rows.options import Options as Anonymizing
from psynetdata.infra.processes import cores
from psynetdata.psynet.problems import UsageError

from .formats.file_format import FileFormat
from .formats.registry import FORMATS
from .option_spec import Option, choice, ids, options_of, switch, whole_number, worded

REGULAR, ANONYMOUS = "regular", "anonymous"
MOST_PROCESSES = 64
_MODES = {"yes": (ANONYMOUS,), "no": (REGULAR,), "both": (REGULAR, ANONYMOUS)}
_OF_ANONYMIZER = [field.name for field in fields(Anonymizing)]


@dataclass(frozen=True)
class ExportOptions:
    """PsyNet's flags, with PsyNet's meanings and defaults (psynet.command_line, export). Raises UsageError.

    A new one of the anonymizer is also a field of psynetdata.anonymize.rows.options.Options.
    """

    anonymize: str = choice(
        "both",
        worded(
            tuple(_MODES),
            "Yes: identifiers become pseudonyms or are withheld, and the archive is searched for them",
            "No: everything as it is, with identified data",
            "Both: two archives, each for downloading by people who may have it",
        ),
        "Which archives to make: anonymized (yes), as the data is (no), or both.",
        label="Anonymize",
        bare="yes",
        recorded=False,  # the manifest has its mode
    )
    level: str = choice(
        "shared",
        worded(
            LEVELS,
            "For a named colleague: the experimenter's own content is exported scrubbed",
            "For a repository: what no rule covers is withheld",
        ),
        "How careful an anonymized export is: for a named colleague (shared), or for a repository (open).",
        label="How far",
        only_anonymous=True,
    )
    assets: str = choice(
        "experiment",
        worded(
            plan.WHICH,
            "No files: rows only",
            "The files that the experiment made, such as recordings",
            "All files: also stimuli, and files that are made on demand or shared between experiments",
        ),
        "Which asset files to include: none, those that the experiment made, or all.",
        label="Files",
    )
    type: str = choice(
        "psynet",
        {
            "psynet": "Full export: database, class files, basic data, assets",
            "database": "The database only",
        },
        "A full export (psynet), or only database.zip (database).",
        label="What",
    )
    no_source: bool = switch(
        "Leave out the source code.",
        label="The experiment's source code, if it is available (never in an anonymized archive)",
        recorded=False,  # the manifest lists the file
    )
    strict_assets: bool = switch(
        "Fail if an asset file is missing.",
        label="Fail if a file cannot be fetched, instead of listing it",
    )
    pseudonyms: str = choice(
        Anonymizing.pseudonyms,
        worded(
            PSEUDONYMS,
            "Letters of a keyed hash, such as p_mzxw6ytboi4dgnrvgeztambr",
            "Numbers that each value keeps, such as participant_n0007",
        ),
        "Letters of a keyed hash (hmac), or numbers that each value keeps (participant_n0007).",
        label="Pseudonyms",
        only_anonymous=True,
    )
    drop_text: bool = switch(
        "Withhold what people typed; numbers stay.",
        label="Withhold what people typed; numbers stay",
        only_anonymous=True,
    )
    shift_dates: bool = switch(
        f"Move each participant's times back by 1 to 364 days; order and intervals stay. {DATES_STAY}",
        label=f"Move each participant's times back by 1 to 364 days; order and intervals stay. {DATES_STAY}",
        only_anonymous=True,
    )
    coarsen: str = choice(
        Anonymizing.coarsen,
        worded(COARSEN, "Cut times to the day"),
        "Cut times to the day.",
        label="Coarser times",
        only_anonymous=True,
    )
    format: str = choice(
        "csv",
        {name: each.words for name, each in FORMATS.items()},
        "The format of the files in data/.",
        label="Class files",
    )
    excel: bool = switch(
        "Files in data/ for Excel: with a byte-order mark, and an apostrophe before formulas.",
        label="CSV for Excel: marked as UTF-8, and nothing in it runs as a formula",
    )
    n_parallel: int | None = whole_number(
        MOST_PROCESSES,
        "How many processes work at the same time; by default as many as the machine has cores.",
        spellings=("--n_parallel", "--n-parallel"),
        recorded=False,  # the files do not depend on it
    )
    participants: tuple[int, ...] | None = ids(
        "Only the rows of these participants; by default all.",
        label="Participants",
        hint="Empty: all. Otherwise only the rows of these, by their ids, like 3, 5, 8-12; rows that belong to "
        "nobody (networks, nodes, stimuli) are included.",
        recorded=False,  # the manifest has a selection
    )

    def __post_init__(self):
        for option in options_of(type(self)):
            object.__setattr__(self, option.name, option.checked(getattr(self, option.name)))
        self._check_together()

    def _check_together(self) -> None:
        """Raise UsageError if options contradict each other."""
        if self.anonymizing != Anonymizing() and ANONYMOUS not in self.modes:
            raise UsageError(f"{', '.join(_OF_ANONYMIZER)} are for anonymized exports; this one is not anonymized.")
        if self.type == "database" and (self.format != "csv" or self.excel):
            raise UsageError("A database export is only database.zip; format and excel are for the type psynet.")
        if self.excel and self.file_format.no_excel:
            raise UsageError(self.file_format.no_excel)

    @property
    def anonymizing(self) -> Anonymizing:
        """Return the options of the anonymizer. Raises UsageError."""
        return Anonymizing(**{name: getattr(self, name) for name in _OF_ANONYMIZER})

    @classmethod
    def from_json(cls, content: object) -> "ExportOptions":
        known = [field.name for field in fields(cls)]
        if not isinstance(content, dict):
            raise UsageError("The options of an export must be an object with names and values.")
        if strange := sorted(str(name) for name in content.keys() - set(known)):
            raise UsageError(f"An export has no option {', '.join(strange)}; the options are {', '.join(known)}.")
        return cls(**content)

    def to_json(self) -> dict:
        return asdict(self)

    def recorded(self, mode: str) -> dict:
        """Return the options that the manifest of an archive names; first those that matter for every archive."""
        named = [option for option in OPTIONS if option.recorded]
        ordered = [option for only in (False, True) for option in named if option.only_anonymous == only]
        return {
            option.name: getattr(self, option.name)
            for option in ordered
            if mode == ANONYMOUS or not option.only_anonymous
        }

    @property
    def modes(self) -> tuple[str, ...]:
        """The archives to make: `regular`, `anonymous` or both."""
        return _MODES[self.anonymize]

    @property
    def file_format(self) -> FileFormat:
        """The format of the class files."""
        return FORMATS[self.format]

    @property
    def processes(self) -> int:
        """How many processes work at the same time: by default one for each core, at most four for each core.

        The archives do not depend on it.
        """
        return min(self.n_parallel or cores(), 4 * cores())

    @property
    def wants_assets(self) -> bool:
        return self.type == "psynet" and self.assets != "none"


OPTIONS: tuple[Option, ...] = options_of(ExportOptions)
