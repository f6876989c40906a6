"""A made-up participant going through the experiment; each step is one of the caller's transactions.

The tables are written as by PsyNet 13.3.0 (psynet.participant, psynet.trial.main, psynet.timeline): a page is a
request, a trial is a row of `info` that its response completes, and participant and module state are updated.
A person only changes their own rows, and every reference is whole when a step ends.
"""

import json
from dataclasses import dataclass, field
from random import Random

from . import fake_values, row_defaults
from .table_writer import Rows
from .trial_kinds import Node, TrialKind

TRIALS = 6  # half of them are repeated, as in PsyNet's static demonstration
REPEATS = 3
TRIAL_CREDIT = 3.0  # seconds
TOTAL_CREDIT = row_defaults.TOTAL_CREDIT
_FAILS = 0.2
_LEAVES = 0.005  # at any trial


@dataclass
class Person:
    """`step(rows)` does the next step; `done` when there is none left."""

    rng: Random
    kind: TrialKind
    counts: dict[str, int]
    id: int = 0
    module_state_id: int = 0
    unique_id: str = ""
    assignment_id: str = ""
    address: str = ""
    shown: int | None = None  # the trial on the page
    node: Node | None = None
    trials: list[tuple[int, Node]] = field(default_factory=list)
    answered: int = 0
    score: int = 0
    pages: int = 0
    ended: bool = False
    done: bool = False

    def step(self, rows: Rows) -> None:
        if not self.id:
            self._join(rows)
        elif self.shown and self.rng.random() < _LEAVES:
            self._fail(rows, "returned", status="returned")
            self.done = True
        elif self.shown:
            self._answer(rows)
        elif self.ended:
            self._approve(rows)
        elif self.answered == TRIALS + REPEATS:
            self._end(rows)
        else:
            self._show(rows)

    def _join(self, rows: Rows) -> None:
        worker = fake_values.hexadecimal(self.rng)
        self.assignment_id = fake_values.hexadecimal(self.rng)
        self.unique_id = f"{worker}:{self.assignment_id}"
        self.address = fake_values.address(self.rng)
        self.id = rows.insert(
            "participant",
            **row_defaults.JOINING,
            worker_id=worker,
            assignment_id=self.assignment_id,
            unique_id=self.unique_id,
            fingerprint_hash=fake_values.hexadecimal(self.rng, 32),
            client_ip_address=self.address,
            page_uuid=fake_values.uuid4(self.rng),
        )
        self.module_state_id = rows.insert(
            "module_state",
            **row_defaults.STATE,
            module_id=self.kind.trial_maker_id,
            participant_id=self.id,
            time_started=rows.now(),
            block_order=self.rng.sample(fake_values.BLOCKS, len(fake_values.BLOCKS)),
        )
        rows.update("participant", self.id, module_state_id=self.module_state_id)
        self._page(rows)
        self.counts["participants"] += 1

    def _show(self, rows: Rows) -> None:
        """Show the next trial; a repeated one becomes its original's `parent_trial_id`, as in PsyNet."""
        number = len(self.trials)
        repeated = self.trials[self.repeat_order[number - TRIALS]] if number >= TRIALS else None
        self.node = repeated[1] if repeated else self.rng.choice(self.kind.nodes)
        credit = number * TRIAL_CREDIT
        self.shown = rows.insert(
            "info",
            **row_defaults.SHOWN,
            type=self.kind.type,
            trial_maker_id=self.kind.trial_maker_id,
            origin_id=self.node.id,
            node_id=self.node.id,
            network_id=self.node.network_id,
            participant_id=self.id,
            module_state_id=self.module_state_id,
            definition=fake_values.definition(self.rng, self.node.definition),
            is_repeat_trial=repeated is not None,
            repeat_trial_index=number - TRIALS if repeated else None,
            n_repeat_trials=REPEATS if repeated else None,
            time_credit_before_trial=credit,
            progress_before_trial=credit / TOTAL_CREDIT,
            block_position=number * len(fake_values.BLOCKS) // (TRIALS + REPEATS),
            block=self.node.block,
        )
        if repeated:
            rows.update("info", repeated[0], parent_trial_id=self.shown)
        self.trials.append((self.shown, self.node))
        rows.update(
            "module_state",
            self.module_state_id,
            n_created_trials=min(number + 1, TRIALS),
            participated_networks=[node.network_id for _, node in self.trials],
            **self._repeats(rows, number),
        )
        self._page(rows, current_trial_id=self.shown, trial_status="available")
        self.counts["trials"] += 1

    @property
    def repeat_order(self) -> range:
        """The positions of the trials to repeat: the last ones, newest first."""
        return range(TRIALS - 1, TRIALS - 1 - REPEATS, -1)

    def _repeats(self, rows: Rows, number: int) -> dict:
        if number < TRIALS:
            return {}
        again = [self.trials[position][0] for position in self.repeat_order]
        return {"in_repeat_phase": True, "trials_to_repeat": again, "repeat_trial_index": number - TRIALS}

    def _answer(self, rows: Rows) -> None:
        answer = json.dumps(self.rng.choice(fake_values.CHOICES))
        seconds = round(self.rng.uniform(0.4, 9.0), 3)
        response = self._response(
            rows, question="trial", answer=answer, metadata_=fake_values.response_metadata(seconds)
        )
        self.answered += 1
        right = self.rng.random() < 0.9
        self.score += right
        credit = self.answered * TRIAL_CREDIT
        progress = credit / TOTAL_CREDIT
        rows.update(
            "info",
            self.shown,
            answer=answer,
            response_id=response,
            complete=True,
            finalized=True,
            score=float(right),
            performance_reward=0.01 * right,
            time_taken=seconds,
            time_credit_after_trial=credit,
            time_credit_from_trial=TRIAL_CREDIT,
            progress_after_trial=progress,
        )
        rows.update(
            "participant",
            self.id,
            answer=answer,
            answer_is_fresh=True,
            time_credit=credit,
            progress=progress,
            performance_reward=round(0.01 * self.score, 2),
        )
        rows.update("module_state", self.module_state_id, n_completed_trials=self.answered)
        self.shown = None
        self.counts["responses"] += 1

    def _end(self, rows: Rows) -> None:
        """Show the last page; some participants did not pass, and all their trials fail with them."""
        failed = self.rng.random() < _FAILS
        check = {"score": self.score, "passed": not failed}
        rows.update("module_state", self.module_state_id, performance_check=check)
        if failed:
            self._fail(rows, "UnsuccessfulEndPage, performance_check")
        else:
            rows.update("module_state", self.module_state_id, finished=True, time_finished=rows.now())
            remark = json.dumps(self.rng.choice(fake_values.REMARKS), ensure_ascii=False)
            self._response(rows, question="liked_experiment", answer=remark, metadata_={"time_taken": 12.5})
        self._response(
            rows,
            question="UnsuccessfulEndLogic" if failed else "SuccessfulEndLogic",
            answer='"Finish"',
            metadata_=fake_values.END_METADATA,
        )
        ended = {} if failed else {"complete": True, "progress": 1.0, "time_credit": TOTAL_CREDIT, **row_defaults.LEFT}
        rows.update("participant", self.id, status="submitted", end_time=rows.now(), answer='"Finish"', **ended)
        rows.add(
            "notification", failed=False, assignment_id=self.assignment_id, event_type="RecruiterSubmissionComplete"
        )
        self.ended = True
        self.counts["finished"] += not failed

    def _approve(self, rows: Rows) -> None:
        bonus = round(self.score * 0.01 + self.rng.uniform(0, 1), 2)
        rows.update("participant", self.id, status="approved", base_pay=row_defaults.BASE_PAYMENT, bonus=bonus)
        self.done = True

    def _fail(self, rows: Rows, reason: str, **participant) -> None:
        """Fail a participant and their trials (psynet.participant, Participant.fail)."""
        died = {"failed": True, "failed_reason": reason, "time_of_death": rows.now()}
        for trial, _ in self.trials:
            rows.update("info", trial, **died)
        rows.update("participant", self.id, **died, failure_tags=reason.split(", "), **participant)
        self.counts["failed"] += 1

    def _page(self, rows: Rows, **participant) -> None:
        self.pages += 1
        rows.update(
            "participant",
            self.id,
            page_uuid=fake_values.uuid4(self.rng),
            page_count=self.pages,
            elt_id=[2, 2, self.pages],
            elt_id_max=[2, 2, TRIALS + REPEATS],
            **participant,
        )
        params = {"unique_id": self.unique_id}
        self._request(rows, "GET", "/timeline", unique_id=self.unique_id, params=params)

    def _response(self, rows: Rows, **values) -> int:
        self._request(rows, "POST", "/response", params={})
        return rows.insert(
            "response", **row_defaults.RESPONSE, participant_id=self.id, client_ip_address=self.address, **values
        )

    def _request(self, rows: Rows, method: str, endpoint: str, **values) -> None:
        duration = self.rng.uniform(0.01, 0.3)
        rows.add("request", **row_defaults.REQUEST, method=method, endpoint=endpoint, duration=duration, **values)
