"""What each new row of a table holds in addition to its own values, as PsyNet 13.3.0 wrote it in its demonstrations."""

TOTAL_CREDIT = 38.0  # seconds that the whole experiment is worth
BASE_PAYMENT = 0.34

JOINING = {
    "failed": False,
    "type": "psynet.participant.Participant",
    "recruiter_id": "generic",
    "hit_id": "a4c123b1612dd272d1371c17",
    "mode": "debug",
    "status": "working",
    "time_credit": 0.0,
    "estimated_max_time_credit": TOTAL_CREDIT,
    "progress": 0.0,
    "time_credit_fixes": [],
    "progress_fixes": [],
    "page_count": 0,
    "aborted": False,
    "complete": False,
    "answer_accumulators": [],
    "sequences": [],
    "branch_log": [["init_participant", False]],
    "for_loops": {},
    "failure_tags": [],
    "base_payment": BASE_PAYMENT,
    "performance_reward": 0.0,
    "unpaid_bonus": 0.0,
    "total_wait_page_time": 0.0,
    "answer_is_fresh": False,
    "browser_platform": "Browser platform info could not be retrieved.",
}
STATE = {
    "failed": False,
    "type": "psynet.trial.chain.ChainTrialMakerState",
    "started": True,
    "finished": False,
    "aborted": False,
    "participant_group": "default",
    "in_repeat_phase": False,
    "n_created_trials": 0,
    "n_completed_trials": 0,
    "trial_maker_initialized": True,
    "block_position": 0,
    "participated_networks": [],
}
SHOWN = {
    "failed": False,
    "complete": False,
    "finalized": False,
    "propagate_failure": True,
    "_initial_assets": {},
    "async_post_trial_required": False,
    "async_post_trial_requested": False,
    "async_post_trial_complete": False,
    "async_post_trial_failed": False,
}
RESPONSE = {
    "failed": False,
    "type": "psynet.timeline.Response",
    "page_type": "ModularPage",
    "successful_validation": True,
}
REQUEST = {"type": "psynet.experiment.Request", "status_code": 200}
LEFT = {"module_state_id": None, "current_trial_id": None, "trial_status": "exit"}
