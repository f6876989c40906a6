"""An experiment in memory that goes on while it is mirrored: rows in segments, each state remembered."""

import base64
import hashlib
import html
import json
import random
from collections.abc import Iterator
from urllib.parse import quote

from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import Damaged
from psynetdata.psynet.tables import Column, describe, known_tables

CUT = 2  # four rows of following ids are a segment
_OWN = {"pet": ["id", "worker_id", "note", "number"]}
_WITHOUT_IDS = ("asset_participant",)
_TABLES = ("participant", "response", "info", "node", "asset", "asset_participant", "request", "pet", "notification")


class Live:
    """SourceTables and StoredTables over rows that tests change."""

    def __init__(self):
        self.rows: dict[str, dict[int, dict[str, str | None]]] = {table: {} for table in _TABLES}
        self.states: dict[str, dict[int, list[bytes]]] = {}
        self.lost: set[str] = set()
        self.reads: list[str] = []

    def tables(self) -> list[str]:
        return sorted(self.rows)

    def columns(self, table: str) -> list[Column]:
        return describe(table, _OWN.get(table) or list(known_tables()[table]))

    def has_ids(self, table: str) -> bool:
        return table not in _WITHOUT_IDS

    def row_count(self, table: str) -> int:
        return len(self.rows[table])

    def state(self, table: str) -> str:
        segments = self._segments(table)
        name = hashlib.sha256(repr((table, segments)).encode()).hexdigest()
        self.states[name] = segments
        return name

    content = state

    def records(self, table: str) -> Iterator[bytes]:
        for _, records in sorted(self._segments(table).items()):
            yield from records

    def rows_of(self, table: str) -> Iterator[csvtext.Row]:
        return csvtext.rows(self.records(table))

    def changes(self, table: str, old: str | None):
        if old in self.lost:
            raise Damaged("The stored segment is missing.")
        new, before = self._segments(table), self.states[old] if old else {}
        for number in sorted(new.keys() | before.keys()):
            pair = before.get(number), new.get(number)
            if pair[0] != pair[1]:
                yield tuple(self._run(table, records) if records is not None else None for records in pair)

    def same(self, table: str, old: str):
        before = self.states[old]
        for number, records in sorted(self._segments(table).items()):
            if before.get(number) == records:
                text = b"".join(record + b"\n" for record in records)
                yield self._run(table, records), self._run(table, [text[:70], text[70:71], text[71:]])

    def hashed_segments(self, table: str):
        for _, records in sorted(self._segments(table).items()):
            text = b"".join(record + b"\n" for record in records)
            yield hashlib.sha256(text).hexdigest(), self._run(table, [text[:9], text[9:]])

    def _run(self, table: str, records: list[bytes]):
        def run():
            self.reads.append(table)
            return iter(records)

        return run

    def _segments(self, table: str) -> dict[int, list[bytes]]:
        names = [column.name for column in self.columns(table)]
        found: dict[int, list[bytes]] = {}
        for number, row in sorted(self.rows[table].items()):
            record = csvtext.format_row([row.get(name) for name in names])
            found.setdefault(number >> CUT if self.has_ids(table) else 0, []).append(record)
        return found if self.has_ids(table) else {number: sorted(records) for number, records in found.items()}

    def put(self, table: str, **cells: str | None) -> int:
        number = max(self.rows[table], default=0) + 1
        self.rows[table][number] = {"id": str(number), **cells}
        return number


class Plain:
    """The same tables as nothing but rows: everything is read."""

    def __init__(self, live: Live):
        self.tables, self.columns, self.rows = live.tables, live.columns, live.rows_of


def disguises(value: str, chance: random.Random) -> list[str]:
    """A text that holds the value, in each of the forms that people and programs write."""
    escaped = "".join(f"\\u{ord(character):04x}" for character in value if ord(character) < 0x10000)
    raw = value.encode("utf-8", "surrogatepass")
    front = "x" * chance.randrange(3)
    return [
        value,
        value.upper(),
        f"I am {value}, hello",
        json.dumps(value),
        json.dumps({"deep": [{"more": json.dumps({"note": f"it's {value}"})}]}),
        json.dumps({value: 1, "b": ["c", value.title()]}),
        f'{{"a": "{escaped}"}}' if escaped else "{}",
        "".join(f"%{byte:02X}" for byte in raw),
        quote(quote(value, safe=""), safe=""),
        "".join(f"&#{ord(character)};" for character in value),
        html.escape(f"<{value}>"),
        f"token {base64.b64encode(front.encode() + raw + b' and so on').decode()} end",
        base64.urlsafe_b64encode((front + value.upper() + "~~~ÿþ more").encode("latin-1", "replace")).decode(),
        hashlib.md5(raw).hexdigest(),
        json.dumps({"h": hashlib.sha256(value.lower().encode("utf-8", "surrogatepass")).hexdigest().upper()}),
        f"see /x?worker_id={value}&a=b",
        json.dumps({"participant": {"workerId": int(value) if value.isdigit() else value}, "n": 3}),
        json.dumps({"PROLIFIC_PID": value, "text": "line\nbreak\t" + value}),
        value if value.isdigit() else f"{value}%20x\\n",
    ]


class History:
    """What happens in a live experiment, one thing at a time, by chance."""

    def __init__(self, seed: int):
        self.chance = random.Random(seed)
        self.live = Live()
        self.number = 0
        self.to_come = [self._new_id() for _ in range(6)]
        self.people: list[str] = []
        for word in ("cats", "dogs", "blue"):
            self.live.put("node", type="psynet.trial.static.StaticNode", definition=json.dumps({"x": word}), degree="0")

    def step(self) -> None:
        things = (self.join, self.join, self.answer, self.answer, self.answer, self.trial, self.trial, self.file)
        things += (self.link, self.turn_page, self.drop, self.leave, self.pet, self.ask, self.change, self.nothing)
        for _ in range(self.chance.randrange(1, 5)):
            self.chance.choice(things)()

    def join(self) -> None:
        at = self.chance.randrange(len(self.to_come))
        worker, self.to_come[at] = self.to_come[at], self._new_id()
        self.people.append(worker)
        session = self._hex(24)
        entry = json.dumps({"PROLIFIC_PID": worker, "SESSION_ID": session, "country": "UK"})
        self.live.put(
            "participant",
            type="psynet.participant.Participant",
            worker_id=worker,
            assignment_id=session,
            unique_id=f"{worker}:{session}",
            page_uuid=self._hex(8) + "-0000-4000-8000-" + self._hex(12),
            client_ip_address=f"203.0.113.{self.chance.randrange(99)}",
            entry_information=self.chance.choice(["{}", entry]),
            status="working",
            failed="f",
        )

    def answer(self) -> None:
        person = str(self.chance.randrange(1, 7))
        answer = self._text()
        question = self.chance.choice(["animal", "comment", "colour", "consent"])
        self.live.put("response", participant_id=person, question=question, answer=answer, metadata_=self._json())

    def trial(self) -> None:
        kind = "dallinger_experiment.experiment." + self.chance.choice(["AnimalTrial", "OtherTrial"])
        cells = {"type": kind, "participant_id": str(self.chance.randrange(1, 7)), "node_id": "1"}
        self.live.put("info", **cells, answer=self._text(), definition=self._json(), vars=self._json(), details="{}")

    def file(self) -> None:
        name = self._hex(12)
        node = str(self.chance.randrange(1, 5))
        self.live.put(
            "asset",
            type="psynet.asset.ExperimentAsset",
            module_id="animals",
            local_key="clip",
            node_id=node,
            personal="f",
            host_path=f"assets/animals/clip-{name}-recording.wav",
            url=f"https://files.example.org/a%20b/clip-{name}-recording.wav?x=1&y=2",
            md5_contents=hashlib.md5(name.encode()).hexdigest(),
            size_mb="0.1234",
        )
        self.to_come.append(f"assets/animals/clip-{name}-recording.wav")

    def link(self) -> None:
        if self.live.rows["asset"]:
            number = self.chance.choice(sorted(self.live.rows["asset"]))
            if self.chance.random() < 0.5:
                self.live.put("asset_participant", asset_id=str(number), participant_id="1")
            else:
                self.live.put("node", degree="1", parent_id="1", definition=self._json())

    def turn_page(self) -> None:
        for row in self.live.rows["participant"].values():
            if self.chance.random() < 0.4:
                row["page_uuid"] = self._hex(8) + "-0000-4000-8000-" + self._hex(12)

    def drop(self) -> None:
        """Rows are deleted, and with them perhaps the last trace of an identifier."""
        table = self.chance.choice(
            ["response", "info", "asset_participant", "node", "request", "notification", "asset"]
        )
        if self.live.rows[table]:
            del self.live.rows[table][self.chance.choice(sorted(self.live.rows[table]))]

    def leave(self) -> None:
        if len(self.live.rows["participant"]) > 3:
            number = self.chance.choice(sorted(self.live.rows["participant"]))
            worker = self.live.rows["participant"].pop(number)["worker_id"]
            self.to_come.append(worker)

    def pet(self) -> None:
        person = self.chance.choice([*self.people, *self.to_come])
        self.live.put("pet", worker_id=person, note=self._text(), number=str(self.chance.randrange(20)))

    def ask(self) -> None:
        person = self.chance.choice([*self.people, self._new_id()])
        self.live.put("request", params=json.dumps({"worker_id": person}), unique_id=None, endpoint="/ad")
        self.live.put("notification", assignment_id=self._hex(24), event_type="AssignmentSubmitted")

    def change(self) -> None:
        table = self.chance.choice(["response", "info"])
        if self.live.rows[table]:
            self.live.rows[table][self.chance.choice(sorted(self.live.rows[table]))]["answer"] = self._text()

    def nothing(self) -> None:
        pass

    def _text(self) -> str | None:
        value = self.chance.choice([*self.people, *self.to_come, *self.to_come, "redfox", "max", "mail@example.org"])
        plain = (None, '"Very much"', "4", '"redfox"', '"maxi"', '"my mail: someone.else@example.org"', '"max"')
        return self.chance.choice([*plain, *disguises(value, self.chance)])

    def _json(self) -> str:
        text = self._text() or "{}"
        return text if text.startswith("{") else json.dumps({"prompt": text, "n": 1, "café": "naïve 猫"})

    def _new_id(self) -> str:
        self.number += 1
        odd = ("7", "31", "P31", "max", "redfox", "maxi", "blue", "Anna-Lena", "José Peña", "王小明同学", "ΝΙΚΟΣ")
        odd += ('O"Brien-4411', "back\\slash77", "7654321", "1234567890123", "someone.else@example.org", "a_b-c.d/e")
        odd += ("100%25 sure", "x&amp;y1234", "animals", "İstanbul99")
        return self.chance.choice([*odd, *[f"w{self._hex(15)}q" for _ in odd], *[self._hex(24) for _ in odd[:9]]])

    def _hex(self, length: int) -> str:
        return "".join(self.chance.choice("0123456789abcdef") for _ in range(length))
