"""Sentences of an anonymization report."""

from .options import DATES_STAY, Options

# Columns that are kept and that the recruiter's list has too, or that can be worked out from it.
_PAYMENTS = (
    "payments: participant.base_pay, bonus, base_payment, performance_reward, unpaid_bonus and time_credit, a trial's "
    "performance_reward and time_credit (in PsyNet 14 also planned_bonus, bonus_status and platform_base_unpaid, if "
    "a decision lets them leave)"
)
_RECRUITER = (
    "Whoever holds the recruiter's list with times and payments can link every participant, as times, order and "
    "payments are exact enough to match its lines."
)
_RECRUITER_SHIFTED = (
    "Whoever holds the recruiter's list with times and payments can link every participant: the order, the time of day "
    "and the payments are exact enough to match its lines, although dates were shifted."
)
_RECRUITER_DAY = (
    "Whoever holds the recruiter's list with times and payments can link most participants: the order of the rows and "
    "the payments match its lines, although times were cut to the day."
)


def linkable(level: str, options: Options) -> list[str]:
    """Return descriptions of data that still allows linking rows to people."""
    exact = "exact times of creation and of each answer"
    if options.coarsen:
        times = "days on which people took part"
    else:
        times = "the time of day at which people took part" if options.shift_dates else exact
    shifted = options.shift_dates and not options.coarsen
    recruiter = _RECRUITER_DAY if options.coarsen else _RECRUITER_SHIFTED if options.shift_dates else _RECRUITER
    return [
        times,
        *(["the year in which people took part"] if options.shift_dates else []),
        *(["intervals between the times of one participant"] if shifted else []),
        "the order of rows: PsyNet's numbers are handed out as people come",
        _PAYMENTS,
        "the number of pages that a participant saw: participant.page_count",
        "waiting times: participant.total_wait_page_time, and arrivals and departures at barriers and in groups",
        "the sequence, durations and contents of answers",
        "demographic answers in combination",
        "the family of browser and system",
        "pseudonyms, for whoever holds the key or a snapshot",
        recruiter,
    ]


def how_dates_leave(options: Options) -> str:
    shift = (
        "Each participant's times went back by a number of days of their own, 1 to 364; order, intervals and time of "
        "day stay. Times of rows that belong to nobody or to several participants were cut to the year: next to a "
        "participant's they would show that number. The launch in the deployment's id was cut to the year too. "
        + DATES_STAY
        if options.shift_dates
        else ""
    )
    return " ".join(filter(None, (shift, "Times were cut to the day." if options.coarsen else "")))
