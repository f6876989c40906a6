-- Rows of one face of the mirror, as many as %(trials)s trials want: half of them in the newest deployment, the rest
-- spread over the others. A participant has 50 trials, each trial a response; every fifth trial leaves a recording.
CREATE TEMPORARY TABLE of_trial AS
SELECT n AS id, n / 50 + 1 AS participant, CASE WHEN n > %(trials)s / 2 THEN %(deployments)s
    ELSE 1 + n / 50 %% (%(deployments)s - 1) END AS deployment, timestamptz '2026-01-01' + n * interval '3 seconds' AS at
FROM generate_series(1, %(trials)s) AS n;

INSERT INTO psynetdata_trial (key, deployment_number, class_name, rest, id, creation_time, type, failed, participant_id,
    node_id, network_id, response_id, trial_maker_id, block, definition, answer, score, time_taken, complete, finalized,
    is_repeat_trial, vars)
SELECT deployment::bigint << 40 | id, deployment, 'Trial' || deployment %% 7, format('{"origin_id": "%%s", "contents":
    "%%s"}', id, repeat('x', 200)), id, at, 'dallinger_experiment.experiment.Trial', id %% 1000 = 0, participant,
    id %% 5000, id %% 500, id, 'maker_' || deployment %% 5, 'default', format('{"animal": "animal %%s", "text": "%%s"}',
    id %% 97, md5(id::text)), format('"%%s"', (ARRAY['Very much', 'Not at all', 'Somewhat'])[id %% 3 + 1]), 1, 2.5, true,
    true, false, '{}'
FROM of_trial ORDER BY deployment, id;

INSERT INTO psynetdata_response (key, deployment_number, class_name, rest, id, creation_time, type, failed,
    participant_id, question, answer, page_type, successful_validation, vars)
SELECT deployment::bigint << 40 | id, deployment, 'Response', format('{"metadata": "%%s"}', repeat('y', 150)), id, at,
    'psynet.timeline.Response', false, participant, 'question ' || id %% 40, format('"%%s"', md5(id::text)), 'ModularPage',
    true, '{}'
FROM of_trial ORDER BY deployment, id;

INSERT INTO psynetdata_asset (key, deployment_number, class_name, rest, id, creation_time, type, participant_id,
    trial_id, module_id, local_key, personal, deposited, size_mb)
SELECT deployment::bigint << 40 | id, deployment, 'Recording', '{}', id, at, 'psynet.asset.Recording', participant, id,
    'module', 'recording', true, true, 0.1
FROM of_trial WHERE id %% 5 = 0 ORDER BY deployment, id;

INSERT INTO psynetdata_participant (key, deployment_number, class_name, rest, id, creation_time, type, failed, worker_id,
    status, progress, complete, aborted, bonus, vars)
SELECT deployment::bigint << 40 | participant, deployment, 'Participant', '{}', participant, min(at),
    'psynet.participant.Participant', participant %% 10 = 0, md5(participant::text), 'approved', 1, true, false, 0, '{}'
FROM of_trial GROUP BY deployment, participant ORDER BY deployment, participant;

INSERT INTO psynetdata_network (key, deployment_number, class_name, rest, id, creation_time, type, failed, trial_maker_id)
SELECT d::bigint << 40 | n, d, 'Network', '{}', n, now(), 'psynet.trial.Network', false, 'maker_' || d %% 5
FROM generate_series(1, %(deployments)s) AS d, generate_series(1, 100) AS n;

INSERT INTO psynetdata_node (key, deployment_number, class_name, rest, id, creation_time, type, failed, network_id)
SELECT d::bigint << 40 | n, d, 'Node', '{}', n, now(), 'psynet.trial.Node', false, n %% 100
FROM generate_series(1, %(deployments)s) AS d, generate_series(1, 500) AS n;

INSERT INTO psynetdata_record (deployment_number, class_name, rest, "table", id, type, identity)
SELECT d, 'Notification', '{}', 'notification', n::text, 'notification', n::text
FROM generate_series(1, %(deployments)s) AS d, generate_series(1, 500) AS n;

INSERT INTO psynetdata_mirroredtable (deployment_number, "table", state, transform, columns, withheld, rows, classes,
    refreshed_at)
SELECT deployment, t, md5(deployment || t), 'bench', '[]', '[]', count(*), jsonb_build_object(CASE t WHEN 'info'
    THEN 'Trial' || deployment %% 7 WHEN 'asset' THEN 'Recording' ELSE initcap(t) END, count(*)), now()
FROM of_trial, unnest(ARRAY['info', 'response', 'asset', 'participant', 'node', 'network', 'notification']) AS t
GROUP BY deployment, t;
DROP TABLE of_trial;
