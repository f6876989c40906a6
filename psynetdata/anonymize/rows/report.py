"""Sentences of an anonymization report."""

from .options import Options


def linkable(level: str, options: Options) -> list[str]:
    """Return descriptions of data that still allows linking rows to people."""
    exact = "exact times of creation and of each answer"
    if options.coarsen:
        times = "days on which people took part"
    else:
        times = "the time of day at which people took part" if options.shift_dates else exact
    shifted = options.shift_dates and not options.coarsen
    return [
        times,
        *(["the year, and the launch in the deployment's id"] if options.shift_dates else []),
        *(["intervals between the times of one participant"] if shifted else []),
        "the order of rows: PsyNet's numbers are handed out as people come",
        "the sequence, durations and contents of answers",
        "demographic answers in combination",
        "the family of browser and system",
        "pseudonyms, for whoever holds the key or a snapshot",
    ]


def how_dates_leave(options: Options) -> str:
    shift = (
        "Each participant's times went back by a number of days of their own, 1 to 364; order, intervals and time of "
        "day stay. Times of rows that belong to nobody or to several participants were cut to the year: next to a "
        "participant's they would show that number."
        if options.shift_dates
        else ""
    )
    return " ".join(filter(None, (shift, "Times were cut to the day." if options.coarsen else "")))
