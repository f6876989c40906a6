"""Logs of a page's events (psynet.js, `event_log`): times become seconds since the first event."""

import re
from datetime import datetime

from psynetdata.psynet.column_roles import Role, columns_with_role

_EVENT = re.compile(r'(\\*)"localTime\1"(\s*:\s*)\1"(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))\1"')
COLUMNS = frozenset(columns_with_role(Role.EVENT_LOG))


def logs(text: str) -> str:
    """Replace `"localTime": "2025-07-29T14:50:04.304Z"` by `"localTime": 0.003`: seconds since the first event."""
    if "localTime" not in text:
        return text
    first: list[datetime] = []

    def seconds(match: re.Match[str]) -> str:
        try:
            moment = datetime.fromisoformat(match[3])
        except ValueError:
            return f'{match[1]}"localTime{match[1]}"{match[2]}null'
        first.append(moment)
        since = round((moment - first[0]).total_seconds(), 3)
        return f'{match[1]}"localTime{match[1]}"{match[2]}{since}'

    return _EVENT.sub(seconds, text)
