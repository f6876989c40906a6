"""PsyNet's side of the check; runs in PsyNet's environment, on the database that DATABASE_URL names.

    psynet_side.py make NAME        make its tables, as an experiment does at its launch
    psynet_side.py load NAME ZIP    make its tables and load the rows, as `psynet load` does

NAME is the name of a reference database: its experiment may have tables of its own.
"""

import sys

import psynet.experiment  # noqa: F401 - registers PsyNet's tables
from psynet.command_line import populate_db_from_zip_file
from psynet.data import SQLBase, SQLMixin, init_db, register_table
from psynet.participant import Participant
from sqlalchemy import Column, ForeignKey, Integer
from sqlalchemy.orm import relationship

verb, name, *path = sys.argv[1:]

if name == "custom_table_simple":

    @register_table
    class Coin(SQLBase, SQLMixin):
        """As in PsyNet's demo of that name; `psynet load` finds a table by its class."""

        __tablename__ = "coin"
        participant = relationship(Participant, backref="all_coins")
        participant_id = Column(Integer, ForeignKey("participant.id"))


if verb == "make":
    init_db(drop_all=True)
else:
    populate_db_from_zip_file(*path)
