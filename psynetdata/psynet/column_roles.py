"""What PsyNet's columns mean: column_roles.csv, next to the types and keys that columns.csv has from PsyNet itself.

Each line names a column of a table and its roles. A line of table `*` is about the columns of that name in all tables,
also in experimenters' own and in those of other versions; its roles and those of the table's own line add up. The
types are generated and the roles are written by hand, so they are in two files. A column that both files may get, such
as the first version of PsyNet that has a table's column, needs no change in code that asks for roles.
"""

import csv
from enum import StrEnum
from functools import cache
from pathlib import Path

ANY = "*"


class Role(StrEnum):
    """The meanings of a column, as they are written in column_roles.csv. The order of its lines counts."""

    # Whose a row is (see ownership/).
    PERSON = "person"  # the number of a participant whose row it is
    PERSON_ID = "person_id"  # another id of such a participant; the most specific first: one can come twice
    OWNER = "owner"  # a key: the row belongs to the participant of the row that it points to
    OTHER_KEY = "other_key"  # a key that does not say whose a row is: along a chain, or to what someone does now
    MEMBER = "member"  # a key to a shared row, which belongs to all participants whose rows here point to it

    # How its text is to be read.
    VALUE = "value"  # PsyNet's type PythonObject: every text is JSON, even `true` and `3`
    PLAIN = "plain"  # text as it was typed, not JSON: a cell of digits is text
    UNPACKED = "unpacked"  # the keys of its objects become columns of class files; the first column of a key counts
    SPARE = "spare"  # Dallinger's, which PsyNet leaves out of class files (psynet.data, export of tables to CSV)
    MIXIN = "mixin"  # in every table made with psynet.data.SQLMixin, experimenters' own included
    EVENT_LOG = "event_log"  # logs of a page's events are there: with a response, or with copies of its answer
    DATED = "dated"  # PsyNet writes times into its text. Stimuli and answers are data, even if they contain a date

    # Where rules of the policy have selectors.
    BY_QUESTION = "by_question"
    BY_CLASS = "by_class"
    BY_KEY = "by_key"

    # Who wrote its text.
    TYPED = "typed"  # people typed, or keys of its JSON may announce their ids
    PASSED_ON = "passed_on"  # PsyNet writes ids and addresses into it
    HANDED_OVER = "handed_over"  # JSON that a recruiter passes on: ids and names
    SENT = "sent"  # an id that came with a request, whoever sent it: PsyNet did not check that somebody has it
    ENTRY = "entry"  # everything that a recruiter passed on about one person
    OWN_WORDS = "own_words"  # one person's answer, in their own words
    SHOWN = "shown"  # shown to people, or answered by them: words that several people have in common are nobody's
    WRITTEN = "written"  # the experimenter wrote it
    NODE_COPY = "node_copy"  # made from the answers of the trials of the node's parent
    CODE = "code"  # a name from the experiment's code, never an id
    LABEL = "label"  # a name that the experimenter or PsyNet gave to many rows

    # What it reveals.
    CONFIGURATION = "configuration"  # JSON with passwords and keys of services
    SECRET = "secret"  # gives access to something
    SERVER_PATH = "server_path"  # may hold a folder of the server
    FILE = "file"  # names an asset's file or its location
    FILE_HASH = "file_hash"  # a hash of an asset's file


@cache
def columns_with_role(role: Role, table: str = ANY) -> tuple[str, ...]:
    """Return the columns of a table that have a role. The table need not be PsyNet's: names decide."""
    return tuple(dict.fromkeys(column for (of, column), roles in _roles() if of in (ANY, table) and role in roles))


def has_role(role: Role, table: str, column: str) -> bool:
    return column in columns_with_role(role, table)


@cache
def _roles() -> tuple[tuple[tuple[str, str], frozenset[Role]], ...]:
    """Return ((table, column), roles) of each line. Raises ValueError for a role that does not exist."""
    with Path(__file__).with_name("column_roles.csv").open(newline="", encoding="utf-8") as file:
        return tuple(
            ((line["table"], line["column"]), frozenset(map(Role, line["roles"].split())))
            for line in csv.DictReader(file)
        )
