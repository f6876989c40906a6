-- PsyNet 13.3.0's tables as a launched experiment has them: no foreign keys. Made with
-- pg_dump --schema-only --no-owner --no-privileges; comments and settings taken out, so that PostgreSQL 12 takes it.

CREATE TYPE public.participant_status AS ENUM (
    'abandoned',
    'approved',
    'bad_data',
    'did_not_attend',
    'missing_notification',
    'overrecruited',
    'recruiter_submission_started',
    'rejected',
    'replaced',
    'returned',
    'screened_out',
    'submitted',
    'working'
);

CREATE TYPE public.transmission_status AS ENUM (
    'pending',
    'received'
);

CREATE TABLE public.asset (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    psynet_version character varying,
    deployment_id character varying,
    deposited boolean,
    inherited boolean,
    inherited_from character varying,
    module_id character varying,
    local_key character varying,
    key_within_module character varying,
    key_within_experiment character varying,
    export_path character varying,
    is_global integer,
    parent character varying,
    module_state_id integer,
    participant_id integer,
    trial_id integer,
    node_id integer,
    network_id integer,
    description character varying,
    personal boolean,
    content_id character varying,
    host_path character varying,
    url character varying,
    is_folder boolean,
    data_type character varying,
    extension character varying,
    storage character varying,
    node_definition character varying,
    type character varying,
    vars character varying DEFAULT '{}'::character varying,
    input_path character varying,
    obfuscate integer,
    md5_contents character varying,
    size_mb double precision,
    deposit_time_sec double precision,
    used_cache boolean,
    secret character varying,
    function character varying,
    arguments character varying,
    computation_time_sec double precision,
    s3_bucket character varying,
    s3_key character varying
);

CREATE SEQUENCE public.asset_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.asset_id_seq OWNED BY public.asset.id;

CREATE TABLE public.asset_module_state (
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    local_key character varying NOT NULL,
    module_state_id integer NOT NULL,
    asset_id integer NOT NULL,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE TABLE public.asset_network (
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    local_key character varying NOT NULL,
    network_id integer NOT NULL,
    asset_id integer NOT NULL,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE TABLE public.asset_node (
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    local_key character varying NOT NULL,
    node_id integer NOT NULL,
    asset_id integer NOT NULL,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE TABLE public.asset_participant (
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    local_key character varying NOT NULL,
    participant_id integer NOT NULL,
    asset_id integer NOT NULL,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE TABLE public.asset_trial (
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    local_key character varying NOT NULL,
    trial_id integer NOT NULL,
    asset_id integer NOT NULL,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE TABLE public.barrier (
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    id character varying NOT NULL,
    barrier_class character varying,
    created_at timestamp without time zone,
    barrier character varying,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE TABLE public.chat_message (
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    id integer NOT NULL,
    node_id integer,
    participant_id integer,
    room_id character varying(128),
    content text,
    receive_time timestamp with time zone,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE SEQUENCE public.chat_message_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.chat_message_id_seq OWNED BY public.chat_message.id;

CREATE TABLE public.chat_room_member (
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    id integer NOT NULL,
    participant_id integer,
    room_id character varying(128),
    active boolean,
    join_time timestamp with time zone,
    leave_time timestamp with time zone,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE SEQUENCE public.chat_room_member_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.chat_room_member_id_seq OWNED BY public.chat_room_member.id;

CREATE TABLE public.error (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    token character varying,
    kind character varying,
    message character varying,
    traceback character varying,
    participant_id integer,
    worker_id character varying,
    network_id integer,
    node_id integer,
    response_id integer,
    trial_id integer,
    asset_id integer,
    process_id integer,
    log_line_number integer,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE SEQUENCE public.error_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.error_id_seq OWNED BY public.error.id;

CREATE TABLE public.experiment (
    id integer NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE SEQUENCE public.experiment_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.experiment_id_seq OWNED BY public.experiment.id;

CREATE TABLE public.experiment_status (
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    id integer NOT NULL,
    cpu_usage_pct double precision,
    ram_usage_pct double precision,
    disk_usage_pct double precision,
    median_response_time double precision,
    requests_per_minute integer,
    n_working_participants integer,
    extra_info character varying,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE SEQUENCE public.experiment_status_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.experiment_status_id_seq OWNED BY public.experiment_status.id;

CREATE TABLE public.info (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    type character varying,
    origin_id integer,
    network_id integer,
    contents text,
    complete boolean,
    node_id integer,
    participant_id integer,
    module_state_id integer,
    trial_maker_id character varying,
    definition character varying,
    finalized boolean,
    is_repeat_trial boolean,
    score double precision,
    performance_reward double precision,
    parent_trial_id integer,
    answer character varying,
    propagate_failure boolean,
    response_id integer,
    repeat_trial_index integer,
    n_repeat_trials integer,
    time_taken double precision,
    _initial_assets character varying,
    time_credit_before_trial double precision,
    time_credit_after_trial double precision,
    time_credit_from_trial double precision,
    progress_before_trial double precision,
    progress_after_trial double precision,
    async_post_trial_required boolean,
    async_post_trial_requested boolean,
    async_post_trial_complete boolean,
    async_post_trial_failed boolean,
    vars character varying DEFAULT '{}'::character varying,
    block_position integer,
    block character varying
);

CREATE SEQUENCE public.info_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.info_id_seq OWNED BY public.info.id;

CREATE TABLE public.lucid_rid (
    id integer NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    rid character varying,
    registered_at timestamp without time zone DEFAULT now(),
    updated_at timestamp without time zone,
    completed_at timestamp without time zone,
    terminated_at timestamp without time zone,
    termination_reason character varying,
    termination_details character varying,
    lucid_status character varying,
    lucid_status_code integer,
    lucid_fulcrum_status integer,
    lucid_market_place_code character varying,
    lucid_entry_date timestamp without time zone,
    lucid_last_date timestamp without time zone,
    lucid_panelist_id character varying,
    lucid_respondent_id character varying,
    lucid_supplier_id integer,
    type character varying
);

CREATE SEQUENCE public.lucid_rid_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.lucid_rid_id_seq OWNED BY public.lucid_rid.id;

CREATE TABLE public.lucid_status (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    status character varying,
    cost double precision,
    currency character varying,
    exchange_rate double precision,
    cost_per_survey double precision,
    payment_per_hour double precision,
    earnings_per_click double precision,
    system_conversion integer,
    completion_loi integer,
    termination_loi integer,
    last_complete_date timestamp without time zone,
    total_entrants integer,
    total_completes integer,
    total_screens integer,
    drop_off_rate double precision,
    conversion_rate double precision,
    incidence_rate double precision,
    type character varying
);

CREATE SEQUENCE public.lucid_status_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.lucid_status_id_seq OWNED BY public.lucid_status.id;

CREATE TABLE public.lucid_submissions (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    response character varying,
    "timestamp" timestamp without time zone DEFAULT now(),
    type character varying
);

CREATE SEQUENCE public.lucid_submissions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.lucid_submissions_id_seq OWNED BY public.lucid_submissions.id;

CREATE TABLE public.module_state (
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    id integer NOT NULL,
    module_id character varying,
    participant_id integer,
    time_started timestamp without time zone,
    time_finished timestamp without time zone,
    time_aborted timestamp without time zone,
    started boolean,
    finished boolean,
    aborted boolean,
    type character varying,
    vars character varying DEFAULT '{}'::character varying,
    participant_group character varying,
    in_repeat_phase boolean,
    performance_check character varying,
    trials_to_repeat character varying,
    repeat_trial_index integer,
    n_created_trials integer,
    n_completed_trials integer,
    trial_maker_initialized boolean,
    block_order character varying,
    block_position integer,
    block character varying,
    participated_networks character varying
);

CREATE SEQUENCE public.module_state_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.module_state_id_seq OWNED BY public.module_state.id;

CREATE TABLE public.network (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    type character varying,
    max_size integer NOT NULL,
    "full" boolean NOT NULL,
    role character varying(26) NOT NULL,
    trial_maker_id character varying,
    module_id character varying,
    target_n_trials integer,
    participant_group character varying,
    sync_group_type character varying,
    sync_group_id integer,
    participant_id integer,
    async_post_grow_network_required boolean,
    async_post_grow_network_requested boolean,
    async_post_grow_network_complete boolean,
    async_post_grow_network_failed boolean,
    id_within_participant integer,
    vars character varying DEFAULT '{}'::character varying,
    chain_type character varying,
    head_id integer,
    trials_per_node integer,
    definition character varying,
    context character varying,
    block character varying
);

CREATE SEQUENCE public.network_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.network_id_seq OWNED BY public.network.id;

CREATE TABLE public.node (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    type character varying,
    network_id integer,
    participant_id integer,
    trial_maker_id character varying,
    module_id character varying,
    module_state_id integer,
    is_global integer,
    on_deploy_complete boolean,
    async_on_deploy_required boolean,
    async_on_deploy_requested boolean,
    async_on_deploy_complete boolean,
    async_on_deploy_failed boolean,
    vars character varying DEFAULT '{}'::character varying,
    key character varying,
    degree integer,
    target_n_trials integer,
    can_spawn boolean,
    child_id integer,
    parent_id integer,
    seed character varying,
    definition character varying,
    context character varying,
    participant_group character varying,
    block character varying,
    propagate_failure boolean
);

CREATE SEQUENCE public.node_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.node_id_seq OWNED BY public.node.id;

CREATE TABLE public.notification (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    assignment_id character varying NOT NULL,
    event_type character varying NOT NULL
);

CREATE SEQUENCE public.notification_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.notification_id_seq OWNED BY public.notification.id;

CREATE TABLE public.participant (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    type character varying,
    fingerprint_hash character varying(50),
    recruiter_id character varying(50),
    worker_id character varying(50) NOT NULL,
    assignment_id character varying(50) NOT NULL,
    unique_id character varying(150) NOT NULL,
    hit_id character varying(50) NOT NULL,
    mode character varying(50) NOT NULL,
    end_time timestamp without time zone,
    base_pay double precision,
    bonus double precision,
    entry_information jsonb DEFAULT '{}'::jsonb NOT NULL,
    status public.participant_status NOT NULL,
    elt_id character varying,
    elt_id_max character varying,
    time_credit double precision,
    estimated_max_time_credit double precision,
    progress double precision,
    time_credit_fixes character varying,
    progress_fixes character varying,
    page_uuid character varying,
    page_count integer,
    aborted boolean,
    complete boolean,
    pending_redirect character varying,
    answer character varying,
    answer_accumulators character varying,
    sequences character varying,
    branch_log character varying,
    for_loops character varying,
    failure_tags character varying,
    base_payment double precision,
    performance_reward double precision,
    unpaid_bonus double precision,
    total_wait_page_time double precision,
    client_ip_address character varying,
    answer_is_fresh boolean,
    browser_platform character varying,
    module_state_id integer,
    current_trial_id integer,
    trial_status character varying,
    awaited_async_code_block_process_id integer,
    vars character varying DEFAULT '{}'::character varying
);

CREATE SEQUENCE public.participant_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.participant_id_seq OWNED BY public.participant.id;

CREATE TABLE public.participant_link_barrier (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    barrier_id character varying,
    participant_id integer,
    arrival_time timestamp without time zone,
    departure_time timestamp without time zone,
    released boolean,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE SEQUENCE public.participant_link_barrier_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.participant_link_barrier_id_seq OWNED BY public.participant_link_barrier.id;

CREATE TABLE public.participant_link_sync_group (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    arrival_time timestamp without time zone,
    participant_id integer,
    sync_group_id integer,
    type character varying,
    vars character varying DEFAULT '{}'::character varying
);

CREATE SEQUENCE public.participant_link_sync_group_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.participant_link_sync_group_id_seq OWNED BY public.participant_link_sync_group.id;

CREATE TABLE public.process (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    label character varying,
    function character varying,
    arguments character varying,
    pending boolean,
    finished boolean,
    time_enqueued timestamp without time zone,
    time_started timestamp without time zone,
    time_finished timestamp without time zone,
    time_taken double precision,
    queue_delay double precision,
    _unique_key character varying,
    participant_id integer,
    trial_maker_id character varying,
    network_id integer,
    node_id integer,
    trial_id integer,
    response_id integer,
    asset_id integer,
    type character varying,
    vars character varying DEFAULT '{}'::character varying,
    redis_job_id character varying,
    timeout double precision,
    timeout_scheduled_for timestamp without time zone,
    cancelled boolean
);

CREATE SEQUENCE public.process_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.process_id_seq OWNED BY public.process.id;

CREATE TABLE public.question (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    type character varying,
    participant_id integer,
    number integer NOT NULL,
    question text NOT NULL,
    response text NOT NULL
);

CREATE SEQUENCE public.question_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.question_id_seq OWNED BY public.question.id;

CREATE TABLE public.recruitment (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    recruiter_id character varying(50)
);

CREATE SEQUENCE public.recruitment_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.recruitment_id_seq OWNED BY public.recruitment.id;

CREATE TABLE public.request (
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    id integer NOT NULL,
    unique_id character varying,
    duration double precision,
    method character varying,
    endpoint character varying,
    params character varying,
    status_code integer,
    type character varying
);

CREATE SEQUENCE public.request_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.request_id_seq OWNED BY public.request.id;

CREATE TABLE public.response (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    type character varying,
    vars character varying DEFAULT '{}'::character varying,
    participant_id integer,
    question character varying,
    answer character varying,
    page_type character varying,
    successful_validation boolean,
    client_ip_address character varying,
    metadata_ character varying
);

CREATE SEQUENCE public.response_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.response_id_seq OWNED BY public.response.id;

CREATE TABLE public.sync_group (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    group_type character varying,
    active boolean,
    end_time timestamp without time zone,
    leader_id integer,
    n_active_participants integer,
    type character varying,
    vars character varying DEFAULT '{}'::character varying,
    initial_group_size integer,
    max_group_size integer,
    min_group_size integer,
    accepts_top_ups boolean
);

CREATE SEQUENCE public.sync_group_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.sync_group_id_seq OWNED BY public.sync_group.id;

CREATE TABLE public.transformation (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    type character varying,
    info_in_id integer,
    info_out_id integer,
    node_id integer,
    network_id integer
);

CREATE SEQUENCE public.transformation_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.transformation_id_seq OWNED BY public.transformation.id;

CREATE TABLE public.transmission (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    vector_id integer,
    info_id integer,
    origin_id integer,
    destination_id integer,
    network_id integer,
    receive_time timestamp without time zone,
    status public.transmission_status NOT NULL
);

CREATE SEQUENCE public.transmission_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.transmission_id_seq OWNED BY public.transmission.id;

CREATE TABLE public.vector (
    id integer NOT NULL,
    creation_time timestamp without time zone NOT NULL,
    property1 text,
    property2 text,
    property3 text,
    property4 text,
    property5 text,
    failed boolean NOT NULL,
    failed_reason text,
    time_of_death timestamp without time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    type character varying DEFAULT 'vector'::character varying,
    origin_id integer,
    destination_id integer,
    network_id integer,
    vars character varying DEFAULT '{}'::character varying
);

CREATE SEQUENCE public.vector_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.vector_id_seq OWNED BY public.vector.id;

ALTER TABLE ONLY public.asset ALTER COLUMN id SET DEFAULT nextval('public.asset_id_seq'::regclass);

ALTER TABLE ONLY public.chat_message ALTER COLUMN id SET DEFAULT nextval('public.chat_message_id_seq'::regclass);

ALTER TABLE ONLY public.chat_room_member ALTER COLUMN id SET DEFAULT nextval('public.chat_room_member_id_seq'::regclass);

ALTER TABLE ONLY public.error ALTER COLUMN id SET DEFAULT nextval('public.error_id_seq'::regclass);

ALTER TABLE ONLY public.experiment ALTER COLUMN id SET DEFAULT nextval('public.experiment_id_seq'::regclass);

ALTER TABLE ONLY public.experiment_status ALTER COLUMN id SET DEFAULT nextval('public.experiment_status_id_seq'::regclass);

ALTER TABLE ONLY public.info ALTER COLUMN id SET DEFAULT nextval('public.info_id_seq'::regclass);

ALTER TABLE ONLY public.lucid_rid ALTER COLUMN id SET DEFAULT nextval('public.lucid_rid_id_seq'::regclass);

ALTER TABLE ONLY public.lucid_status ALTER COLUMN id SET DEFAULT nextval('public.lucid_status_id_seq'::regclass);

ALTER TABLE ONLY public.lucid_submissions ALTER COLUMN id SET DEFAULT nextval('public.lucid_submissions_id_seq'::regclass);

ALTER TABLE ONLY public.module_state ALTER COLUMN id SET DEFAULT nextval('public.module_state_id_seq'::regclass);

ALTER TABLE ONLY public.network ALTER COLUMN id SET DEFAULT nextval('public.network_id_seq'::regclass);

ALTER TABLE ONLY public.node ALTER COLUMN id SET DEFAULT nextval('public.node_id_seq'::regclass);

ALTER TABLE ONLY public.notification ALTER COLUMN id SET DEFAULT nextval('public.notification_id_seq'::regclass);

ALTER TABLE ONLY public.participant ALTER COLUMN id SET DEFAULT nextval('public.participant_id_seq'::regclass);

ALTER TABLE ONLY public.participant_link_barrier ALTER COLUMN id SET DEFAULT nextval('public.participant_link_barrier_id_seq'::regclass);

ALTER TABLE ONLY public.participant_link_sync_group ALTER COLUMN id SET DEFAULT nextval('public.participant_link_sync_group_id_seq'::regclass);

ALTER TABLE ONLY public.process ALTER COLUMN id SET DEFAULT nextval('public.process_id_seq'::regclass);

ALTER TABLE ONLY public.question ALTER COLUMN id SET DEFAULT nextval('public.question_id_seq'::regclass);

ALTER TABLE ONLY public.recruitment ALTER COLUMN id SET DEFAULT nextval('public.recruitment_id_seq'::regclass);

ALTER TABLE ONLY public.request ALTER COLUMN id SET DEFAULT nextval('public.request_id_seq'::regclass);

ALTER TABLE ONLY public.response ALTER COLUMN id SET DEFAULT nextval('public.response_id_seq'::regclass);

ALTER TABLE ONLY public.sync_group ALTER COLUMN id SET DEFAULT nextval('public.sync_group_id_seq'::regclass);

ALTER TABLE ONLY public.transformation ALTER COLUMN id SET DEFAULT nextval('public.transformation_id_seq'::regclass);

ALTER TABLE ONLY public.transmission ALTER COLUMN id SET DEFAULT nextval('public.transmission_id_seq'::regclass);

ALTER TABLE ONLY public.vector ALTER COLUMN id SET DEFAULT nextval('public.vector_id_seq'::regclass);

ALTER TABLE ONLY public.asset_module_state
    ADD CONSTRAINT asset_module_state_pkey PRIMARY KEY (local_key, module_state_id, asset_id);

ALTER TABLE ONLY public.asset_network
    ADD CONSTRAINT asset_network_pkey PRIMARY KEY (local_key, network_id, asset_id);

ALTER TABLE ONLY public.asset_node
    ADD CONSTRAINT asset_node_pkey PRIMARY KEY (local_key, node_id, asset_id);

ALTER TABLE ONLY public.asset_participant
    ADD CONSTRAINT asset_participant_pkey PRIMARY KEY (local_key, participant_id, asset_id);

ALTER TABLE ONLY public.asset
    ADD CONSTRAINT asset_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.asset_trial
    ADD CONSTRAINT asset_trial_pkey PRIMARY KEY (local_key, trial_id, asset_id);

ALTER TABLE ONLY public.barrier
    ADD CONSTRAINT barrier_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.chat_message
    ADD CONSTRAINT chat_message_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.chat_room_member
    ADD CONSTRAINT chat_room_member_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.error
    ADD CONSTRAINT error_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.experiment
    ADD CONSTRAINT experiment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.experiment_status
    ADD CONSTRAINT experiment_status_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.info
    ADD CONSTRAINT info_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.lucid_rid
    ADD CONSTRAINT lucid_rid_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.lucid_status
    ADD CONSTRAINT lucid_status_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.lucid_submissions
    ADD CONSTRAINT lucid_submissions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.module_state
    ADD CONSTRAINT module_state_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.network
    ADD CONSTRAINT network_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_module_id_key_key UNIQUE (module_id, key);

ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.participant_link_barrier
    ADD CONSTRAINT participant_link_barrier_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.participant_link_sync_group
    ADD CONSTRAINT participant_link_sync_group_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.participant
    ADD CONSTRAINT participant_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.participant
    ADD CONSTRAINT participant_unique_id_key UNIQUE (unique_id);

ALTER TABLE ONLY public.participant
    ADD CONSTRAINT participant_worker_id_key UNIQUE (worker_id);

ALTER TABLE ONLY public.process
    ADD CONSTRAINT process__unique_key_key UNIQUE (_unique_key);

ALTER TABLE ONLY public.process
    ADD CONSTRAINT process_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.question
    ADD CONSTRAINT question_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.recruitment
    ADD CONSTRAINT recruitment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.request
    ADD CONSTRAINT request_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.response
    ADD CONSTRAINT response_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sync_group
    ADD CONSTRAINT sync_group_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.transformation
    ADD CONSTRAINT transformation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.transmission
    ADD CONSTRAINT transmission_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.vector
    ADD CONSTRAINT vector_pkey PRIMARY KEY (id);

CREATE INDEX ix_asset_creation_time ON public.asset USING btree (creation_time);

CREATE UNIQUE INDEX ix_asset_export_path ON public.asset USING btree (export_path);

CREATE INDEX ix_asset_id ON public.asset USING btree (id);

CREATE INDEX ix_asset_is_global ON public.asset USING btree (is_global);

CREATE INDEX ix_asset_key_within_experiment ON public.asset USING btree (key_within_experiment);

CREATE INDEX ix_asset_key_within_module ON public.asset USING btree (key_within_module);

CREATE INDEX ix_asset_module_id ON public.asset USING btree (module_id);

CREATE INDEX ix_asset_module_state_creation_time ON public.asset_module_state USING btree (creation_time);

CREATE INDEX ix_asset_module_state_id ON public.asset USING btree (module_state_id);

CREATE INDEX ix_asset_network_creation_time ON public.asset_network USING btree (creation_time);

CREATE INDEX ix_asset_network_id ON public.asset USING btree (network_id);

CREATE INDEX ix_asset_node_creation_time ON public.asset_node USING btree (creation_time);

CREATE INDEX ix_asset_node_id ON public.asset USING btree (node_id);

CREATE INDEX ix_asset_participant_creation_time ON public.asset_participant USING btree (creation_time);

CREATE INDEX ix_asset_participant_id ON public.asset USING btree (participant_id);

CREATE INDEX ix_asset_trial_creation_time ON public.asset_trial USING btree (creation_time);

CREATE INDEX ix_asset_trial_id ON public.asset USING btree (trial_id);

CREATE INDEX ix_barrier_creation_time ON public.barrier USING btree (creation_time);

CREATE INDEX ix_barrier_failed ON public.barrier USING btree (failed);

CREATE INDEX ix_chat_message_creation_time ON public.chat_message USING btree (creation_time);

CREATE INDEX ix_chat_message_failed ON public.chat_message USING btree (failed);

CREATE INDEX ix_chat_message_node_id ON public.chat_message USING btree (node_id);

CREATE INDEX ix_chat_message_participant_id ON public.chat_message USING btree (participant_id);

CREATE INDEX ix_chat_message_room_id ON public.chat_message USING btree (room_id);

CREATE INDEX ix_chat_room_member_active ON public.chat_room_member USING btree (active);

CREATE INDEX ix_chat_room_member_creation_time ON public.chat_room_member USING btree (creation_time);

CREATE INDEX ix_chat_room_member_failed ON public.chat_room_member USING btree (failed);

CREATE INDEX ix_chat_room_member_participant_id ON public.chat_room_member USING btree (participant_id);

CREATE INDEX ix_chat_room_member_room_id ON public.chat_room_member USING btree (room_id);

CREATE INDEX ix_error_asset_id ON public.error USING btree (asset_id);

CREATE INDEX ix_error_creation_time ON public.error USING btree (creation_time);

CREATE INDEX ix_error_id ON public.error USING btree (id);

CREATE INDEX ix_error_network_id ON public.error USING btree (network_id);

CREATE INDEX ix_error_node_id ON public.error USING btree (node_id);

CREATE INDEX ix_error_participant_id ON public.error USING btree (participant_id);

CREATE INDEX ix_error_process_id ON public.error USING btree (process_id);

CREATE INDEX ix_error_response_id ON public.error USING btree (response_id);

CREATE INDEX ix_error_trial_id ON public.error USING btree (trial_id);

CREATE INDEX ix_experiment_id ON public.experiment USING btree (id);

CREATE INDEX ix_experiment_status_creation_time ON public.experiment_status USING btree (creation_time);

CREATE INDEX ix_experiment_status_failed ON public.experiment_status USING btree (failed);

CREATE INDEX ix_info_async_post_trial_complete ON public.info USING btree (async_post_trial_complete);

CREATE INDEX ix_info_async_post_trial_failed ON public.info USING btree (async_post_trial_failed);

CREATE INDEX ix_info_async_post_trial_requested ON public.info USING btree (async_post_trial_requested);

CREATE INDEX ix_info_async_post_trial_required ON public.info USING btree (async_post_trial_required);

CREATE INDEX ix_info_block ON public.info USING btree (block);

CREATE INDEX ix_info_block_position ON public.info USING btree (block_position);

CREATE INDEX ix_info_creation_time ON public.info USING btree (creation_time);

CREATE INDEX ix_info_failed ON public.info USING btree (failed);

CREATE INDEX ix_info_id ON public.info USING btree (id);

CREATE INDEX ix_info_module_state_id ON public.info USING btree (module_state_id);

CREATE INDEX ix_info_network_id ON public.info USING btree (network_id);

CREATE INDEX ix_info_node_id ON public.info USING btree (node_id);

CREATE INDEX ix_info_origin_id ON public.info USING btree (origin_id);

CREATE INDEX ix_info_parent_trial_id ON public.info USING btree (parent_trial_id);

CREATE INDEX ix_info_participant_id ON public.info USING btree (participant_id);

CREATE INDEX ix_info_response_id ON public.info USING btree (response_id);

CREATE INDEX ix_info_trial_maker_id ON public.info USING btree (trial_maker_id);

CREATE INDEX ix_lucid_rid_id ON public.lucid_rid USING btree (id);

CREATE INDEX ix_lucid_rid_rid ON public.lucid_rid USING btree (rid);

CREATE INDEX ix_lucid_status_creation_time ON public.lucid_status USING btree (creation_time);

CREATE INDEX ix_lucid_status_id ON public.lucid_status USING btree (id);

CREATE INDEX ix_lucid_submissions_creation_time ON public.lucid_submissions USING btree (creation_time);

CREATE INDEX ix_lucid_submissions_id ON public.lucid_submissions USING btree (id);

CREATE INDEX ix_module_state_creation_time ON public.module_state USING btree (creation_time);

CREATE INDEX ix_module_state_failed ON public.module_state USING btree (failed);

CREATE UNIQUE INDEX ix_module_state_id ON public.module_state USING btree (id);

CREATE INDEX ix_network_async_post_grow_network_complete ON public.network USING btree (async_post_grow_network_complete);

CREATE INDEX ix_network_async_post_grow_network_failed ON public.network USING btree (async_post_grow_network_failed);

CREATE INDEX ix_network_async_post_grow_network_requested ON public.network USING btree (async_post_grow_network_requested);

CREATE INDEX ix_network_async_post_grow_network_required ON public.network USING btree (async_post_grow_network_required);

CREATE INDEX ix_network_block ON public.network USING btree (block);

CREATE INDEX ix_network_creation_time ON public.network USING btree (creation_time);

CREATE INDEX ix_network_failed ON public.network USING btree (failed);

CREATE INDEX ix_network_full ON public.network USING btree ("full");

CREATE INDEX ix_network_id ON public.network USING btree (id);

CREATE INDEX ix_network_participant_id ON public.network USING btree (participant_id);

CREATE INDEX ix_network_role ON public.network USING btree (role);

CREATE INDEX ix_network_sync_group_id ON public.network USING btree (sync_group_id);

CREATE INDEX ix_node_async_on_deploy_complete ON public.node USING btree (async_on_deploy_complete);

CREATE INDEX ix_node_async_on_deploy_failed ON public.node USING btree (async_on_deploy_failed);

CREATE INDEX ix_node_async_on_deploy_requested ON public.node USING btree (async_on_deploy_requested);

CREATE INDEX ix_node_async_on_deploy_required ON public.node USING btree (async_on_deploy_required);

CREATE INDEX ix_node_block ON public.node USING btree (block);

CREATE INDEX ix_node_can_spawn ON public.node USING btree (can_spawn);

CREATE INDEX ix_node_child_id ON public.node USING btree (child_id);

CREATE INDEX ix_node_creation_time ON public.node USING btree (creation_time);

CREATE INDEX ix_node_failed ON public.node USING btree (failed);

CREATE INDEX ix_node_id ON public.node USING btree (id);

CREATE INDEX ix_node_is_global ON public.node USING btree (is_global);

CREATE INDEX ix_node_key ON public.node USING btree (key);

CREATE INDEX ix_node_module_id ON public.node USING btree (module_id);

CREATE INDEX ix_node_module_state_id ON public.node USING btree (module_state_id);

CREATE INDEX ix_node_network_id ON public.node USING btree (network_id);

CREATE INDEX ix_node_on_deploy_complete ON public.node USING btree (on_deploy_complete);

CREATE INDEX ix_node_parent_id ON public.node USING btree (parent_id);

CREATE INDEX ix_node_participant_group ON public.node USING btree (participant_group);

CREATE INDEX ix_node_participant_id ON public.node USING btree (participant_id);

CREATE INDEX ix_node_trial_maker_id ON public.node USING btree (trial_maker_id);

CREATE INDEX ix_notification_creation_time ON public.notification USING btree (creation_time);

CREATE INDEX ix_notification_failed ON public.notification USING btree (failed);

CREATE INDEX ix_notification_id ON public.notification USING btree (id);

CREATE INDEX ix_participant_assignment_id ON public.participant USING btree (assignment_id);

CREATE INDEX ix_participant_creation_time ON public.participant USING btree (creation_time);

CREATE INDEX ix_participant_failed ON public.participant USING btree (failed);

CREATE INDEX ix_participant_id ON public.participant USING btree (id);

CREATE INDEX ix_participant_link_barrier_barrier_id ON public.participant_link_barrier USING btree (barrier_id);

CREATE INDEX ix_participant_link_barrier_creation_time ON public.participant_link_barrier USING btree (creation_time);

CREATE INDEX ix_participant_link_barrier_failed ON public.participant_link_barrier USING btree (failed);

CREATE INDEX ix_participant_link_barrier_id ON public.participant_link_barrier USING btree (id);

CREATE INDEX ix_participant_link_barrier_participant_id ON public.participant_link_barrier USING btree (participant_id);

CREATE INDEX ix_participant_link_sync_group_creation_time ON public.participant_link_sync_group USING btree (creation_time);

CREATE INDEX ix_participant_link_sync_group_failed ON public.participant_link_sync_group USING btree (failed);

CREATE INDEX ix_participant_link_sync_group_id ON public.participant_link_sync_group USING btree (id);

CREATE INDEX ix_participant_link_sync_group_participant_id ON public.participant_link_sync_group USING btree (participant_id);

CREATE INDEX ix_participant_link_sync_group_sync_group_id ON public.participant_link_sync_group USING btree (sync_group_id);

CREATE INDEX ix_participant_status ON public.participant USING btree (status);

CREATE INDEX ix_participant_unique_id ON public.participant USING btree (unique_id);

CREATE INDEX ix_process_asset_id ON public.process USING btree (asset_id);

CREATE INDEX ix_process_creation_time ON public.process USING btree (creation_time);

CREATE INDEX ix_process_failed ON public.process USING btree (failed);

CREATE INDEX ix_process_id ON public.process USING btree (id);

CREATE INDEX ix_process_network_id ON public.process USING btree (network_id);

CREATE INDEX ix_process_node_id ON public.process USING btree (node_id);

CREATE INDEX ix_process_participant_id ON public.process USING btree (participant_id);

CREATE INDEX ix_process_response_id ON public.process USING btree (response_id);

CREATE INDEX ix_process_trial_id ON public.process USING btree (trial_id);

CREATE INDEX ix_process_trial_maker_id ON public.process USING btree (trial_maker_id);

CREATE INDEX ix_question_creation_time ON public.question USING btree (creation_time);

CREATE INDEX ix_question_failed ON public.question USING btree (failed);

CREATE INDEX ix_question_id ON public.question USING btree (id);

CREATE INDEX ix_recruitment_creation_time ON public.recruitment USING btree (creation_time);

CREATE INDEX ix_recruitment_failed ON public.recruitment USING btree (failed);

CREATE INDEX ix_recruitment_id ON public.recruitment USING btree (id);

CREATE INDEX ix_request_creation_time ON public.request USING btree (creation_time);

CREATE INDEX ix_response_creation_time ON public.response USING btree (creation_time);

CREATE INDEX ix_response_failed ON public.response USING btree (failed);

CREATE INDEX ix_response_id ON public.response USING btree (id);

CREATE INDEX ix_response_participant_id ON public.response USING btree (participant_id);

CREATE INDEX ix_sync_group_creation_time ON public.sync_group USING btree (creation_time);

CREATE INDEX ix_sync_group_failed ON public.sync_group USING btree (failed);

CREATE INDEX ix_sync_group_id ON public.sync_group USING btree (id);

CREATE INDEX ix_transformation_creation_time ON public.transformation USING btree (creation_time);

CREATE INDEX ix_transformation_failed ON public.transformation USING btree (failed);

CREATE INDEX ix_transformation_id ON public.transformation USING btree (id);

CREATE INDEX ix_transformation_info_in_id ON public.transformation USING btree (info_in_id);

CREATE INDEX ix_transformation_info_out_id ON public.transformation USING btree (info_out_id);

CREATE INDEX ix_transformation_network_id ON public.transformation USING btree (network_id);

CREATE INDEX ix_transformation_node_id ON public.transformation USING btree (node_id);

CREATE INDEX ix_transmission_creation_time ON public.transmission USING btree (creation_time);

CREATE INDEX ix_transmission_destination_id ON public.transmission USING btree (destination_id);

CREATE INDEX ix_transmission_failed ON public.transmission USING btree (failed);

CREATE INDEX ix_transmission_id ON public.transmission USING btree (id);

CREATE INDEX ix_transmission_info_id ON public.transmission USING btree (info_id);

CREATE INDEX ix_transmission_network_id ON public.transmission USING btree (network_id);

CREATE INDEX ix_transmission_origin_id ON public.transmission USING btree (origin_id);

CREATE INDEX ix_transmission_status ON public.transmission USING btree (status);

CREATE INDEX ix_transmission_vector_id ON public.transmission USING btree (vector_id);

CREATE INDEX ix_vector_creation_time ON public.vector USING btree (creation_time);

CREATE INDEX ix_vector_destination_id ON public.vector USING btree (destination_id);

CREATE INDEX ix_vector_failed ON public.vector USING btree (failed);

CREATE INDEX ix_vector_id ON public.vector USING btree (id);

CREATE INDEX ix_vector_network_id ON public.vector USING btree (network_id);

CREATE INDEX ix_vector_origin_id ON public.vector USING btree (origin_id);
