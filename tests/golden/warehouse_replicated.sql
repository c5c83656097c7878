CREATE TABLE IF NOT EXISTS migrations ON CLUSTER '{cluster}'
(number UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = ReplicatedReplacingMergeTree(
    '/clickhouse/tables/all/{database}/migrations', '{shard}-{replica}'
)
ORDER BY number;

-- 0001_facts
CREATE TABLE IF NOT EXISTS facts_local ON CLUSTER '{cluster}'
(
    log_partition     UInt16,
    log_offset        UInt64 CODEC(Delta, ZSTD(1)),
    cause_offset      UInt64 CODEC(Delta, ZSTD(1)),
    cause_n           UInt32,
    dossier_id        FixedString(32) CODEC(ZSTD(1)),
    seq               UInt32,
    at                DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    type              LowCardinality(String),
    agency            LowCardinality(String),
    procedure         LowCardinality(String),
    procedure_version UInt32,
    channel           LowCardinality(String),
    status            UInt8,
    overdue           UInt8,
    due               Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    bucket            LowCardinality(String),
    step              LowCardinality(String),
    outcome           LowCardinality(String),
    reason            LowCardinality(String),
    score             UInt8,
    dossier_code      String CODEC(ZSTD(1)),
    received_at       Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    actor             String CODEC(ZSTD(1)),
    command_id        String CODEC(ZSTD(1)),
    fingerprint       String CODEC(ZSTD(1)),
    body              String CODEC(ZSTD(3)),
    mapping           UInt16,
    INDEX by_dossier dossier_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_code dossier_code TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/facts_local', '{replica}')
PARTITION BY toYYYYMM(at, 'Asia/Ho_Chi_Minh')
ORDER BY (log_partition, log_offset)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
CREATE TABLE IF NOT EXISTS facts ON CLUSTER '{cluster}' AS facts_local
ENGINE = Distributed('{cluster}', currentDatabase(), 'facts_local', log_partition);

-- 0002_dossiers
CREATE TABLE IF NOT EXISTS dossiers_local ON CLUSTER '{cluster}'
(
    log_partition UInt16,
    dossier_id    FixedString(32),
    last_seq      SimpleAggregateFunction(max, UInt32),
    facts         SimpleAggregateFunction(sum, UInt64),
    latest        AggregateFunction(
                      argMax,
                      Tuple(
                          status UInt8, overdue UInt8, due Nullable(DateTime64(6, 'UTC')), agency String,
                          procedure String, procedure_version UInt32, channel String, at DateTime64(6, 'UTC')
                      ),
                      UInt32
                  ),
    bucket        AggregateFunction(argMax, String, UInt32),
    dossier_code  SimpleAggregateFunction(max, String),
    registered_on SimpleAggregateFunction(max, Date),
    registered_at SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    accepted_at   SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    received_at   SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    finished_at   SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    score         SimpleAggregateFunction(max, UInt8)
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/dossiers_local', '{replica}')
ORDER BY (log_partition, dossier_id)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
CREATE TABLE IF NOT EXISTS dossiers ON CLUSTER '{cluster}' AS dossiers_local
ENGINE = Distributed('{cluster}', currentDatabase(), 'dossiers_local', log_partition);

-- 0003_dossiers_feed
CREATE MATERIALIZED VIEW IF NOT EXISTS dossiers_feed ON CLUSTER '{cluster}' TO dossiers_local AS
SELECT
    log_partition,
    dossier_id,
    max(seq) AS last_seq,
    count() AS facts,
    argMaxState(
        CAST(
            (status, overdue, due, toString(agency), toString(procedure), procedure_version, toString(channel), at),
            'Tuple(status UInt8, overdue UInt8, due Nullable(DateTime64(6, \'UTC\')), agency String, procedure String, procedure_version UInt32, channel String, at DateTime64(6, \'UTC\'))'
        ),
        seq
    ) AS latest,
    argMaxState(toString(bucket), if(bucket = '', toUInt32(0), seq)) AS bucket,
    max(dossier_code) AS dossier_code,
    max(if(type = 'DossierRegistered', toDate(at, 'Asia/Ho_Chi_Minh'), toDate(0))) AS registered_on,
    max(if(type = 'DossierRegistered', at, toDateTime64(0, 6, 'UTC'))) AS registered_at,
    max(if(type = 'DossierAccepted', at, toDateTime64(0, 6, 'UTC'))) AS accepted_at,
    max(ifNull(received_at, toDateTime64(0, 6, 'UTC'))) AS received_at,
    max(if(type = 'ProcessingFinished', at, toDateTime64(0, 6, 'UTC'))) AS finished_at,
    max(score) AS score
FROM facts_local
GROUP BY log_partition, dossier_id;

-- 0004_dossiers_now
CREATE VIEW IF NOT EXISTS dossiers_now ON CLUSTER '{cluster}' AS
SELECT
    log_partition,
    dossier_id,
    max(d.last_seq) AS seq,
    sum(d.facts) AS fact_count,
    argMaxMerge(d.latest) AS state,
    state.status AS status,
    state.overdue AS overdue,
    state.due AS due,
    state.agency AS agency,
    state.procedure AS procedure,
    state.procedure_version AS procedure_version,
    state.channel AS channel,
    state.at AS last_at,
    argMaxMerge(d.bucket) AS bucket_now,
    max(d.dossier_code) AS code,
    max(d.registered_on) AS registered_day,
    max(d.registered_at) AS registered_time,
    max(d.accepted_at) AS accepted_time,
    max(d.received_at) AS received_time,
    max(d.finished_at) AS finished_time,
    max(d.score) AS rating
FROM dossiers AS d
GROUP BY log_partition, dossier_id;

-- 0005_clocks
CREATE TABLE IF NOT EXISTS clocks_local ON CLUSTER '{cluster}'
(
    log_partition UInt16,
    moved_to      SimpleAggregateFunction(max, DateTime64(6, 'UTC'))
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/clocks_local', '{replica}')
ORDER BY log_partition
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
CREATE TABLE IF NOT EXISTS clocks ON CLUSTER '{cluster}' AS clocks_local
ENGINE = Distributed('{cluster}', currentDatabase(), 'clocks_local', log_partition);

-- 0006_facts_holder
ALTER TABLE facts_local ON CLUSTER '{cluster}'
    ADD COLUMN IF NOT EXISTS in_hand LowCardinality(String),
    ADD COLUMN IF NOT EXISTS holder_agency LowCardinality(String),
    ADD COLUMN IF NOT EXISTS holder_officer String CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS handed UInt8,
    ADD COLUMN IF NOT EXISTS step_clock LowCardinality(String),
    ADD COLUMN IF NOT EXISTS step_due Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS place LowCardinality(String),
    ADD COLUMN IF NOT EXISTS by_original LowCardinality(String),
    ADD COLUMN IF NOT EXISTS seal LowCardinality(String),
    ADD COLUMN IF NOT EXISTS stamp UInt32,
    ADD COLUMN IF NOT EXISTS stamped_dossier String CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS year UInt16,
    ADD COLUMN IF NOT EXISTS number UInt32;
ALTER TABLE facts ON CLUSTER '{cluster}'
    ADD COLUMN IF NOT EXISTS in_hand LowCardinality(String),
    ADD COLUMN IF NOT EXISTS holder_agency LowCardinality(String),
    ADD COLUMN IF NOT EXISTS holder_officer String,
    ADD COLUMN IF NOT EXISTS handed UInt8,
    ADD COLUMN IF NOT EXISTS step_clock LowCardinality(String),
    ADD COLUMN IF NOT EXISTS step_due Nullable(DateTime64(6, 'UTC')),
    ADD COLUMN IF NOT EXISTS place LowCardinality(String),
    ADD COLUMN IF NOT EXISTS by_original LowCardinality(String),
    ADD COLUMN IF NOT EXISTS seal LowCardinality(String),
    ADD COLUMN IF NOT EXISTS stamp UInt32,
    ADD COLUMN IF NOT EXISTS stamped_dossier String,
    ADD COLUMN IF NOT EXISTS year UInt16,
    ADD COLUMN IF NOT EXISTS number UInt32;

-- 0007_dossiers_holder
ALTER TABLE dossiers_local ON CLUSTER '{cluster}'
    ADD COLUMN IF NOT EXISTS due_original SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    ADD COLUMN IF NOT EXISTS hand AggregateFunction(argMax, Tuple(step String, agency String, officer String), UInt32),
    ADD COLUMN IF NOT EXISTS held AggregateFunction(argMax, DateTime64(6, 'UTC'), UInt32),
    ADD COLUMN IF NOT EXISTS run AggregateFunction(
        argMax, Tuple(state String, due Nullable(DateTime64(6, 'UTC'))), UInt32
    ),
    ADD COLUMN IF NOT EXISTS receive_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS appraise_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS approve_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS stamp_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS return_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS declined_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS original_mark SimpleAggregateFunction(max, UInt64);
ALTER TABLE dossiers ON CLUSTER '{cluster}'
    ADD COLUMN IF NOT EXISTS due_original SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    ADD COLUMN IF NOT EXISTS hand AggregateFunction(argMax, Tuple(step String, agency String, officer String), UInt32),
    ADD COLUMN IF NOT EXISTS held AggregateFunction(argMax, DateTime64(6, 'UTC'), UInt32),
    ADD COLUMN IF NOT EXISTS run AggregateFunction(
        argMax, Tuple(state String, due Nullable(DateTime64(6, 'UTC'))), UInt32
    ),
    ADD COLUMN IF NOT EXISTS receive_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS appraise_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS approve_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS stamp_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS return_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS declined_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS original_mark SimpleAggregateFunction(max, UInt64);

-- 0008_dossiers_feed_holder
ALTER TABLE dossiers_feed ON CLUSTER '{cluster}' MODIFY QUERY
SELECT
    log_partition,
    dossier_id,
    max(seq) AS last_seq,
    count() AS facts,
    argMaxState(
        CAST(
            (status, overdue, due, toString(agency), toString(procedure), procedure_version, toString(channel), at),
            'Tuple(status UInt8, overdue UInt8, due Nullable(DateTime64(6, \'UTC\')), agency String, procedure String, procedure_version UInt32, channel String, at DateTime64(6, \'UTC\'))'
        ),
        seq
    ) AS latest,
    argMaxState(toString(bucket), if(bucket = '', toUInt32(0), seq)) AS bucket,
    max(dossier_code) AS dossier_code,
    max(if(type = 'DossierRegistered', toDate(at, 'Asia/Ho_Chi_Minh'), toDate(0))) AS registered_on,
    max(if(type = 'DossierRegistered', at, toDateTime64(0, 6, 'UTC'))) AS registered_at,
    max(if(type = 'DossierAccepted', at, toDateTime64(0, 6, 'UTC'))) AS accepted_at,
    max(ifNull(received_at, toDateTime64(0, 6, 'UTC'))) AS received_at,
    max(if(type = 'ProcessingFinished', at, toDateTime64(0, 6, 'UTC'))) AS finished_at,
    max(score) AS score,
    max(if(type = 'DossierAccepted', ifNull(due, toDateTime64(0, 6, 'UTC')), toDateTime64(0, 6, 'UTC'))) AS due_original,
    argMaxState(
        CAST(
            (toString(in_hand), toString(holder_agency), holder_officer),
            'Tuple(step String, agency String, officer String)'
        ),
        seq
    ) AS hand,
    argMaxState(at, if(handed = 1, seq, toUInt32(0))) AS held,
    argMaxState(
        CAST((toString(step_clock), step_due), 'Tuple(state String, due Nullable(DateTime64(6, \'UTC\')))'),
        if(step_clock = '', toUInt32(0), seq)
    ) AS run,
    max(if(step = 'receive' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS receive_mark,
    max(if(step = 'appraise' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS appraise_mark,
    max(if(step = 'approve' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS approve_mark,
    max(if(step = 'stamp' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS stamp_mark,
    max(if(step = 'return' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS return_mark,
    max(
        if(type IN ('DossierDeclined', 'ResultCorrected'), toUInt64(seq) * 2 + (type = 'DossierDeclined'), toUInt64(0))
    ) AS declined_mark,
    max(if(type = 'ProcessingFinished', toUInt64(seq) * 2 + (by_original = 'late'), toUInt64(0))) AS original_mark
FROM facts_local
WHERE type != 'NumberDrawn'
GROUP BY log_partition, dossier_id;

-- 0009_dossiers_now_holder
CREATE OR REPLACE VIEW dossiers_now ON CLUSTER '{cluster}' AS
SELECT
    log_partition,
    dossier_id,
    max(d.last_seq) AS seq,
    sum(d.facts) AS fact_count,
    argMaxMerge(d.latest) AS state,
    state.status AS status,
    state.overdue AS overdue,
    state.due AS due,
    state.agency AS agency,
    state.procedure AS procedure,
    state.procedure_version AS procedure_version,
    state.channel AS channel,
    state.at AS last_at,
    argMaxMerge(d.bucket) AS bucket_now,
    max(d.dossier_code) AS code,
    max(d.registered_on) AS registered_day,
    max(d.registered_at) AS registered_time,
    max(d.accepted_at) AS accepted_time,
    max(d.received_at) AS received_time,
    max(d.finished_at) AS finished_time,
    max(d.score) AS rating,
    max(d.due_original) AS promised,
    argMaxMerge(d.hand) AS hand_now,
    hand_now.step AS hand_step,
    hand_now.agency AS hand_agency,
    hand_now.officer AS hand_officer,
    argMaxMerge(d.held) AS held_since,
    argMaxMerge(d.run) AS run_now,
    run_now.state AS run_state,
    run_now.due AS run_due,
    max(d.receive_mark) AS receive_last,
    max(d.appraise_mark) AS appraise_last,
    max(d.approve_mark) AS approve_last,
    max(d.stamp_mark) AS stamp_last,
    max(d.return_mark) AS return_last,
    max(d.declined_mark) AS declined_last,
    max(d.original_mark) AS late_by_original_last,
    declined_last % 2 = 1 AS declined,
    status IN (9, 10) AND late_by_original_last % 2 = 1 AS late_by_original,
    [receive_last, appraise_last, approve_last, stamp_last, return_last] AS places,
    if(
        status = 10 AND NOT declined AND arrayAll(place -> place > 0, places),
        toNullable(arrayAll(place -> place % 2 = 1, places)),
        NULL
    ) AS all_on_site
FROM dossiers AS d
GROUP BY log_partition, dossier_id;

-- 0010_stamps
CREATE TABLE IF NOT EXISTS stamps_local ON CLUSTER '{cluster}'
(
    seal          String,
    dossier_id    FixedString(32),
    stamp         UInt32,
    log_partition UInt16,
    agency        SimpleAggregateFunction(max, String),
    year          SimpleAggregateFunction(max, UInt16),
    number        SimpleAggregateFunction(max, UInt32),
    applied_at    SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    drawn_at      SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    revoked_at    SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    facts         SimpleAggregateFunction(sum, UInt64)
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/stamps_local', '{replica}')
ORDER BY (seal, dossier_id, stamp, log_partition)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
CREATE TABLE IF NOT EXISTS stamps ON CLUSTER '{cluster}' AS stamps_local
ENGINE = Distributed('{cluster}', currentDatabase(), 'stamps_local', log_partition);

-- 0011_stamps_feed
CREATE MATERIALIZED VIEW IF NOT EXISTS stamps_feed ON CLUSTER '{cluster}' TO stamps_local AS
SELECT
    toString(f.seal) AS seal,
    toFixedString(if(f.type = 'NumberDrawn', f.stamped_dossier, toString(f.dossier_id)), 32) AS dossier_id,
    f.stamp AS stamp,
    f.log_partition AS log_partition,
    max(if(f.type = 'NumberDrawn', toString(f.agency), '')) AS agency,
    max(f.year) AS year,
    max(f.number) AS number,
    max(if(f.type = 'StampApplied', f.at, toDateTime64(0, 6, 'UTC'))) AS applied_at,
    max(if(f.type = 'NumberDrawn', f.at, toDateTime64(0, 6, 'UTC'))) AS drawn_at,
    max(if(f.type = 'StampRevoked', f.at, toDateTime64(0, 6, 'UTC'))) AS revoked_at,
    count() AS facts
FROM facts_local AS f
WHERE f.type IN ('StampApplied', 'StampRevoked', 'NumberDrawn')
GROUP BY seal, dossier_id, stamp, log_partition;

-- 0012_late_now
CREATE VIEW IF NOT EXISTS late_now ON CLUSTER '{cluster}' AS
SELECT
    dossier_id,
    code,
    procedure,
    agency,
    status,
    due,
    promised,
    if(hand_agency = '', agency, hand_agency) AS at_agency,
    hand_step AS at_step,
    hand_officer AS at_officer,
    held_since,
    run_due AS step_due,
    bucket_now = 'late' AND status NOT IN (9, 10) AS dossier_late,
    hand_step != '' AND run_state = 'passed' AS step_late,
    least(
        if(dossier_late, ifNull(due, held_since), toDateTime64('2299-01-01 00:00:00', 6, 'UTC')),
        if(step_late, ifNull(step_due, held_since), toDateTime64('2299-01-01 00:00:00', 6, 'UTC'))
    ) AS late_since
FROM dossiers_now
WHERE dossier_late OR step_late;

-- 0013_dossier_states
CREATE TABLE IF NOT EXISTS dossier_states_local ON CLUSTER '{cluster}'
(
    log_partition UInt16,
    dossier_id    FixedString(32) CODEC(ZSTD(1)),
    last_seq      SimpleAggregateFunction(max, UInt32),
    facts         SimpleAggregateFunction(sum, UInt64),
    latest        AggregateFunction(
                      argMax,
                      Tuple(
                          status UInt8, overdue UInt8, due Nullable(DateTime64(6, 'UTC')), agency String,
                          procedure String, procedure_version UInt32, channel String, at DateTime64(6, 'UTC')
                      ),
                      UInt32
                  ) CODEC(ZSTD(1)),
    bucket        AggregateFunction(argMax, String, UInt32) CODEC(ZSTD(1)),
    dossier_code  SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    registered_on SimpleAggregateFunction(max, Date),
    registered_at SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    accepted_at   SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    received_at   SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    finished_at   SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    score         SimpleAggregateFunction(max, UInt8),
    due_original  SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    hand          AggregateFunction(argMax, Tuple(step String, agency String, officer String), UInt32) CODEC(ZSTD(1)),
    held          AggregateFunction(argMax, DateTime64(6, 'UTC'), UInt32) CODEC(ZSTD(1)),
    run           AggregateFunction(
                      argMax, Tuple(state String, due Nullable(DateTime64(6, 'UTC'))), UInt32
                  ) CODEC(ZSTD(1)),
    receive_mark  SimpleAggregateFunction(max, UInt64),
    appraise_mark SimpleAggregateFunction(max, UInt64),
    approve_mark  SimpleAggregateFunction(max, UInt64),
    stamp_mark    SimpleAggregateFunction(max, UInt64),
    return_mark   SimpleAggregateFunction(max, UInt64),
    declined_mark SimpleAggregateFunction(max, UInt64),
    original_mark SimpleAggregateFunction(max, UInt64),
    late_mark     SimpleAggregateFunction(max, UInt64),
    open_mark     SimpleAggregateFunction(max, UInt64),
    passed_mark   SimpleAggregateFunction(max, UInt64),
    hand_mark     SimpleAggregateFunction(max, UInt64)
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/dossier_states_local', '{replica}')
PARTITION BY intDiv(log_partition, 8)
ORDER BY (log_partition, dossier_id)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, index_granularity = 512;
CREATE TABLE IF NOT EXISTS dossier_states ON CLUSTER '{cluster}' AS dossier_states_local
ENGINE = Distributed('{cluster}', currentDatabase(), 'dossier_states_local', log_partition);

-- 0014_stamp_states
CREATE TABLE IF NOT EXISTS stamp_states_local ON CLUSTER '{cluster}'
(
    seal          LowCardinality(String),
    dossier_id    FixedString(32) CODEC(ZSTD(1)),
    stamp         UInt32,
    log_partition UInt16,
    agency        SimpleAggregateFunction(max, String),
    year          SimpleAggregateFunction(max, UInt16),
    number        SimpleAggregateFunction(max, UInt32),
    applied_at    SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    drawn_at      SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    revoked_at    SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    facts         SimpleAggregateFunction(sum, UInt64)
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/stamp_states_local', '{replica}')
PARTITION BY intDiv(log_partition, 8)
ORDER BY (seal, dossier_id, stamp, log_partition)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
CREATE TABLE IF NOT EXISTS stamp_states ON CLUSTER '{cluster}' AS stamp_states_local
ENGINE = Distributed('{cluster}', currentDatabase(), 'stamp_states_local', log_partition);

-- 0015_lives
CREATE TABLE IF NOT EXISTS lives_local ON CLUSTER '{cluster}'
(
    log_partition UInt16,
    dossier_id    FixedString(32) CODEC(ZSTD(1)),
    seq           UInt32 CODEC(Delta, ZSTD(1)),
    agency        LowCardinality(String),
    procedure     LowCardinality(String),
    channel       LowCardinality(String),
    status        UInt8 CODEC(ZSTD(1)),
    bucket        LowCardinality(String),
    registered_on Date CODEC(ZSTD(1)),
    receive_mark  UInt64 CODEC(ZSTD(1)),
    appraise_mark UInt64 CODEC(ZSTD(1)),
    approve_mark  UInt64 CODEC(ZSTD(1)),
    stamp_mark    UInt64 CODEC(ZSTD(1)),
    return_mark   UInt64 CODEC(ZSTD(1)),
    declined_mark UInt64 CODEC(ZSTD(1)),
    original_mark UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/lives_local', '{replica}')
PARTITION BY intDiv(log_partition, 8)
ORDER BY (log_partition, dossier_id, seq)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, index_granularity = 512;
CREATE TABLE IF NOT EXISTS lives ON CLUSTER '{cluster}' AS lives_local
ENGINE = Distributed('{cluster}', currentDatabase(), 'lives_local', log_partition);

-- 0016_figures
CREATE TABLE IF NOT EXISTS figures_local ON CLUSTER '{cluster}'
(
    registered_on        Date,
    agency               LowCardinality(String),
    procedure            LowCardinality(String),
    channel              LowCardinality(String),
    bucket               LowCardinality(String),
    log_partition        UInt16,
    facts                SimpleAggregateFunction(sum, UInt64),
    dossiers             SimpleAggregateFunction(sum, Int64),
    supplement_requested SimpleAggregateFunction(sum, Int64),
    declined             SimpleAggregateFunction(sum, Int64),
    late_by_original     SimpleAggregateFunction(sum, Int64),
    five_steps           SimpleAggregateFunction(sum, Int64),
    five_on_site         SimpleAggregateFunction(sum, Int64)
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/figures_local', '{replica}')
PARTITION BY intDiv(log_partition, 8)
ORDER BY (registered_on, agency, procedure, channel, bucket, log_partition)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
CREATE TABLE IF NOT EXISTS figures ON CLUSTER '{cluster}' AS figures_local
ENGINE = Distributed('{cluster}', currentDatabase(), 'figures_local', log_partition);

-- 0017_ratings
CREATE TABLE IF NOT EXISTS ratings_local ON CLUSTER '{cluster}'
(
    rated_on      Date,
    agency        LowCardinality(String),
    procedure     LowCardinality(String),
    channel       LowCardinality(String),
    score         UInt8,
    log_partition UInt16,
    ratings       SimpleAggregateFunction(sum, Int64)
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/ratings_local', '{replica}')
PARTITION BY intDiv(log_partition, 8)
ORDER BY (rated_on, agency, procedure, channel, score, log_partition)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
CREATE TABLE IF NOT EXISTS ratings ON CLUSTER '{cluster}' AS ratings_local
ENGINE = Distributed('{cluster}', currentDatabase(), 'ratings_local', log_partition);

-- 0018_step_times
CREATE TABLE IF NOT EXISTS step_times_local ON CLUSTER '{cluster}'
(
    ended_on      Date,
    agency        LowCardinality(String),
    procedure     LowCardinality(String),
    channel       LowCardinality(String),
    step          LowCardinality(String),
    log_partition UInt16,
    facts         SimpleAggregateFunction(sum, UInt64),
    steps         SimpleAggregateFunction(sum, Int64),
    micros        SimpleAggregateFunction(sum, Int64),
    early         SimpleAggregateFunction(sum, Int64),
    on_time       SimpleAggregateFunction(sum, Int64),
    late          SimpleAggregateFunction(sum, Int64)
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/step_times_local', '{replica}')
PARTITION BY intDiv(log_partition, 8)
ORDER BY (ended_on, agency, procedure, channel, step, log_partition)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
CREATE TABLE IF NOT EXISTS step_times ON CLUSTER '{cluster}' AS step_times_local
ENGINE = Distributed('{cluster}', currentDatabase(), 'step_times_local', log_partition);

-- 0019_dossier_states_feed
CREATE MATERIALIZED VIEW IF NOT EXISTS dossier_states_feed ON CLUSTER '{cluster}' TO dossier_states_local AS
SELECT
    log_partition,
    dossier_id,
    max(seq) AS last_seq,
    count() AS facts,
    argMaxState(
        CAST(
            (status, overdue, due, toString(agency), toString(procedure), procedure_version, toString(channel), at),
            'Tuple(status UInt8, overdue UInt8, due Nullable(DateTime64(6, \'UTC\')), agency String, procedure String, procedure_version UInt32, channel String, at DateTime64(6, \'UTC\'))'
        ),
        seq
    ) AS latest,
    argMaxState(toString(bucket), if(bucket = '', toUInt32(0), seq)) AS bucket,
    max(dossier_code) AS dossier_code,
    max(if(type = 'DossierRegistered', toDate(at, 'Asia/Ho_Chi_Minh'), toDate(0))) AS registered_on,
    max(if(type = 'DossierRegistered', at, toDateTime64(0, 6, 'UTC'))) AS registered_at,
    max(if(type = 'DossierAccepted', at, toDateTime64(0, 6, 'UTC'))) AS accepted_at,
    max(ifNull(received_at, toDateTime64(0, 6, 'UTC'))) AS received_at,
    max(if(type = 'ProcessingFinished', at, toDateTime64(0, 6, 'UTC'))) AS finished_at,
    max(score) AS score,
    max(if(type = 'DossierAccepted', ifNull(due, toDateTime64(0, 6, 'UTC')), toDateTime64(0, 6, 'UTC'))) AS due_original,
    argMaxState(
        CAST(
            (toString(in_hand), toString(holder_agency), holder_officer),
            'Tuple(step String, agency String, officer String)'
        ),
        seq
    ) AS hand,
    argMaxState(if(handed = 1, at, toDateTime64(0, 6, 'UTC')), if(handed = 1, seq, toUInt32(0))) AS held,
    argMaxState(
        CAST((toString(step_clock), step_due), 'Tuple(state String, due Nullable(DateTime64(6, \'UTC\')))'),
        if(step_clock = '', toUInt32(0), seq)
    ) AS run,
    max(if(step = 'receive' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS receive_mark,
    max(if(step = 'appraise' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS appraise_mark,
    max(if(step = 'approve' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS approve_mark,
    max(if(step = 'stamp' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS stamp_mark,
    max(if(step = 'return' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS return_mark,
    max(
        if(type IN ('DossierDeclined', 'ResultCorrected'), toUInt64(seq) * 2 + (type = 'DossierDeclined'), toUInt64(0))
    ) AS declined_mark,
    max(if(type = 'ProcessingFinished', toUInt64(seq) * 2 + (by_original = 'late'), toUInt64(0))) AS original_mark,
    max(if(f.bucket != '', toUInt64(seq) * 2 + (f.bucket = 'late'), toUInt64(0))) AS late_mark,
    max(toUInt64(seq) * 2 + (status NOT IN (9, 10))) AS open_mark,
    max(if(step_clock != '', toUInt64(seq) * 2 + (step_clock = 'passed'), toUInt64(0))) AS passed_mark,
    max(toUInt64(seq) * 2 + (in_hand != '')) AS hand_mark
FROM facts_local AS f
WHERE type != 'NumberDrawn'
GROUP BY log_partition, dossier_id;

-- 0020_stamp_states_feed
CREATE MATERIALIZED VIEW IF NOT EXISTS stamp_states_feed ON CLUSTER '{cluster}' TO stamp_states_local AS
SELECT
    toString(f.seal) AS seal,
    toFixedString(if(f.type = 'NumberDrawn', f.stamped_dossier, toString(f.dossier_id)), 32) AS dossier_id,
    f.stamp AS stamp,
    f.log_partition AS log_partition,
    max(if(f.type = 'NumberDrawn', toString(f.agency), '')) AS agency,
    max(f.year) AS year,
    max(f.number) AS number,
    max(if(f.type = 'StampApplied', f.at, toDateTime64(0, 6, 'UTC'))) AS applied_at,
    max(if(f.type = 'NumberDrawn', f.at, toDateTime64(0, 6, 'UTC'))) AS drawn_at,
    max(if(f.type = 'StampRevoked', f.at, toDateTime64(0, 6, 'UTC'))) AS revoked_at,
    count() AS facts
FROM facts_local AS f
WHERE f.type IN ('StampApplied', 'StampRevoked', 'NumberDrawn')
GROUP BY seal, dossier_id, stamp, log_partition;

-- 0021_lives_feed
CREATE MATERIALIZED VIEW IF NOT EXISTS lives_feed ON CLUSTER '{cluster}' TO lives_local AS
SELECT
    log_partition,
    dossier_id,
    seq,
    agency,
    procedure,
    channel,
    status,
    bucket,
    if(type = 'DossierRegistered', toDate(at, 'Asia/Ho_Chi_Minh'), toDate(0)) AS registered_on,
    if(step = 'receive' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0)) AS receive_mark,
    if(step = 'appraise' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0)) AS appraise_mark,
    if(step = 'approve' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0)) AS approve_mark,
    if(step = 'stamp' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0)) AS stamp_mark,
    if(step = 'return' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0)) AS return_mark,
    if(
        type IN ('DossierDeclined', 'ResultCorrected'), toUInt64(seq) * 2 + (type = 'DossierDeclined'), toUInt64(0)
    ) AS declined_mark,
    if(type = 'ProcessingFinished', toUInt64(seq) * 2 + (by_original = 'late'), toUInt64(0)) AS original_mark
FROM facts_local
WHERE type != 'NumberDrawn';

-- 0022_figures_feed
CREATE MATERIALIZED VIEW IF NOT EXISTS figures_feed ON CLUSTER '{cluster}' TO figures_local AS
SELECT
    cell.registered_on AS registered_on,
    cell.agency AS agency,
    cell.procedure AS procedure,
    cell.channel AS channel,
    cell.bucket AS bucket,
    log_partition,
    sum(cell.facts) AS facts,
    sum(cell.sign) AS dossiers,
    sum(cell.sign * (cell.status = 5)) AS supplement_requested,
    sum(cell.sign * (cell.declined % 2)) AS declined,
    sum(cell.sign * (cell.status IN (9, 10) AND cell.original % 2 = 1)) AS late_by_original,
    sum(
        cell.sign
        * (cell.status = 10 AND cell.declined % 2 = 0 AND arrayAll(place -> place > 0, cell.places))
    ) AS five_steps,
    sum(
        cell.sign
        * (cell.status = 10 AND cell.declined % 2 = 0 AND arrayAll(place -> place % 2 = 1, cell.places))
    ) AS five_on_site
FROM
(
    SELECT
        n.log_partition AS log_partition,
        arrayJoin(
            CAST(
                [
                    (
                        -(w.bucket != ''), 0, w.registered_on, w.agency, w.procedure, w.channel, w.bucket, w.status,
                        w.declined, w.original, [w.receive, w.appraise, w.approve, w.stamp, w.return]
                    ),
                    (
                        n.bucket != '' OR w.bucket != '', n.facts, greatest(w.registered_on, n.registered_on),
                        n.agency, n.procedure, n.channel, if(n.bucket = '', w.bucket, n.bucket), n.status,
                        greatest(w.declined, n.declined), greatest(w.original, n.original),
                        [
                            greatest(w.receive, n.receive), greatest(w.appraise, n.appraise),
                            greatest(w.approve, n.approve), greatest(w.stamp, n.stamp), greatest(w.return, n.return)
                        ]
                    )
                ],
                'Array(Tuple(sign Int64, facts UInt64, registered_on Date, agency String, procedure String, channel String, bucket String, status UInt8, declined UInt64, original UInt64, places Array(UInt64)))'
            )
        ) AS cell
    FROM
    (
        SELECT
            log_partition,
            dossier_id,
            count() AS facts,
            argMax(toString(f.agency), f.seq) AS agency,
            argMax(toString(f.procedure), f.seq) AS procedure,
            argMax(toString(f.channel), f.seq) AS channel,
            argMax(toString(f.bucket), if(f.bucket = '', toUInt32(0), f.seq)) AS bucket,
            argMax(f.status, f.seq) AS status,
            max(if(f.type = 'DossierRegistered', toDate(f.at, 'Asia/Ho_Chi_Minh'), toDate(0))) AS registered_on,
            max(if(f.step = 'receive' AND f.place != '', toUInt64(f.seq) * 2 + (f.place = 'centre'), 0)) AS receive,
            max(if(f.step = 'appraise' AND f.place != '', toUInt64(f.seq) * 2 + (f.place = 'centre'), 0)) AS appraise,
            max(if(f.step = 'approve' AND f.place != '', toUInt64(f.seq) * 2 + (f.place = 'centre'), 0)) AS approve,
            max(if(f.step = 'stamp' AND f.place != '', toUInt64(f.seq) * 2 + (f.place = 'centre'), 0)) AS stamp,
            max(if(f.step = 'return' AND f.place != '', toUInt64(f.seq) * 2 + (f.place = 'centre'), 0)) AS return,
            max(
                if(
                    f.type IN ('DossierDeclined', 'ResultCorrected'),
                    toUInt64(f.seq) * 2 + (f.type = 'DossierDeclined'),
                    0
                )
            ) AS declined,
            max(if(f.type = 'ProcessingFinished', toUInt64(f.seq) * 2 + (f.by_original = 'late'), 0)) AS original
        FROM facts_local AS f
        WHERE f.type != 'NumberDrawn'
        GROUP BY log_partition, dossier_id
    ) AS n
    LEFT JOIN
    (
        SELECT
            l.log_partition AS log_partition,
            l.dossier_id AS dossier_id,
            argMax(toString(l.agency), l.seq) AS agency,
            argMax(toString(l.procedure), l.seq) AS procedure,
            argMax(toString(l.channel), l.seq) AS channel,
            argMax(toString(l.bucket), if(l.bucket = '', toUInt32(0), l.seq)) AS bucket,
            argMax(l.status, l.seq) AS status,
            max(l.registered_on) AS registered_on,
            max(l.receive_mark) AS receive,
            max(l.appraise_mark) AS appraise,
            max(l.approve_mark) AS approve,
            max(l.stamp_mark) AS stamp,
            max(l.return_mark) AS return,
            max(l.declined_mark) AS declined,
            max(l.original_mark) AS original
        FROM
        (
            SELECT * FROM lives_local WHERE (log_partition, dossier_id) IN (SELECT log_partition, dossier_id FROM facts_local)
        ) AS l
        INNER JOIN
        (
            SELECT log_partition, dossier_id, min(seq) AS first_seq FROM facts_local GROUP BY log_partition, dossier_id
        ) AS b ON l.log_partition = b.log_partition AND l.dossier_id = b.dossier_id
        WHERE l.seq < b.first_seq
        GROUP BY log_partition, dossier_id
    ) AS w ON n.log_partition = w.log_partition AND n.dossier_id = w.dossier_id
)
WHERE cell.sign != 0 OR cell.facts != 0
GROUP BY registered_on, agency, procedure, channel, bucket, log_partition;

-- 0023_ratings_feed
CREATE MATERIALIZED VIEW IF NOT EXISTS ratings_feed ON CLUSTER '{cluster}' TO ratings_local AS
SELECT
    toDate(f.at, 'Asia/Ho_Chi_Minh') AS rated_on,
    f.agency AS agency,
    f.procedure AS procedure,
    f.channel AS channel,
    f.score AS score,
    f.log_partition AS log_partition,
    toInt64(count()) AS ratings
FROM facts_local AS f
WHERE f.type = 'DossierRated'
GROUP BY rated_on, agency, procedure, channel, score, log_partition;

-- 0024_step_times_feed
CREATE MATERIALIZED VIEW IF NOT EXISTS step_times_feed ON CLUSTER '{cluster}' TO step_times_local AS
SELECT
    toDate(at, 'Asia/Ho_Chi_Minh') AS ended_on,
    holder AS agency,
    procedure,
    channel,
    step,
    log_partition,
    count() AS facts,
    toInt64(countIf(known)) AS steps,
    sumIf(toUnixTimestamp64Micro(at) - toUnixTimestamp64Micro(parseDateTime64BestEffortOrZero(since, 6, 'UTC')), known) AS micros,
    toInt64(countIf(known AND outcome = 'early')) AS early,
    toInt64(countIf(known AND outcome = 'on_time')) AS on_time,
    toInt64(countIf(known AND outcome = 'late')) AS late
FROM
(
    SELECT
        at, procedure, channel, step, outcome, log_partition,
        JSONExtractString(body, 'since') AS since,
        JSONExtractString(body, if(type = 'HandedOver', 'giver', 'holder'), 1) AS holder,
        since != '' AND holder != '' AS known
    FROM facts_local
    WHERE type IN ('StepCompleted', 'HandedOver')
)
GROUP BY ended_on, agency, procedure, channel, step, log_partition;

-- 0025_dossiers_now_states
CREATE OR REPLACE VIEW dossiers_now ON CLUSTER '{cluster}' AS
SELECT
    log_partition,
    dossier_id,
    max(d.last_seq) AS seq,
    sum(d.facts) AS fact_count,
    argMaxMerge(d.latest) AS state,
    state.status AS status,
    state.overdue AS overdue,
    state.due AS due,
    state.agency AS agency,
    state.procedure AS procedure,
    state.procedure_version AS procedure_version,
    state.channel AS channel,
    state.at AS last_at,
    argMaxMerge(d.bucket) AS bucket_now,
    max(d.dossier_code) AS code,
    max(d.registered_on) AS registered_day,
    max(d.registered_at) AS registered_time,
    max(d.accepted_at) AS accepted_time,
    max(d.received_at) AS received_time,
    max(d.finished_at) AS finished_time,
    max(d.score) AS rating,
    max(d.due_original) AS promised,
    argMaxMerge(d.hand) AS hand_now,
    hand_now.step AS hand_step,
    hand_now.agency AS hand_agency,
    hand_now.officer AS hand_officer,
    argMaxMerge(d.held) AS held_since,
    argMaxMerge(d.run) AS run_now,
    run_now.state AS run_state,
    run_now.due AS run_due,
    max(d.receive_mark) AS receive_last,
    max(d.appraise_mark) AS appraise_last,
    max(d.approve_mark) AS approve_last,
    max(d.stamp_mark) AS stamp_last,
    max(d.return_mark) AS return_last,
    max(d.declined_mark) AS declined_last,
    max(d.original_mark) AS late_by_original_last,
    declined_last % 2 = 1 AS declined,
    status IN (9, 10) AND late_by_original_last % 2 = 1 AS late_by_original,
    [receive_last, appraise_last, approve_last, stamp_last, return_last] AS places,
    if(
        status = 10 AND NOT declined AND arrayAll(place -> place > 0, places),
        toNullable(arrayAll(place -> place % 2 = 1, places)),
        NULL
    ) AS all_on_site
FROM dossier_states AS d
GROUP BY log_partition, dossier_id;

-- 0026_no_dossiers_feed
DROP VIEW IF EXISTS dossiers_feed ON CLUSTER '{cluster}';

-- 0027_no_stamps_feed
DROP VIEW IF EXISTS stamps_feed ON CLUSTER '{cluster}';

-- 0028_no_dossiers
DROP TABLE IF EXISTS dossiers ON CLUSTER '{cluster}' SYNC;
DROP TABLE IF EXISTS dossiers_local ON CLUSTER '{cluster}' SYNC;

-- 0029_no_stamps
DROP TABLE IF EXISTS stamps ON CLUSTER '{cluster}' SYNC;
DROP TABLE IF EXISTS stamps_local ON CLUSTER '{cluster}' SYNC;

-- 0030_late_now_marks
CREATE OR REPLACE VIEW late_now ON CLUSTER '{cluster}' AS
SELECT
    dossier_id,
    code,
    procedure,
    agency,
    status,
    due,
    promised,
    if(hand_agency = '', agency, hand_agency) AS at_agency,
    hand_step AS at_step,
    hand_officer AS at_officer,
    held_since,
    run_due AS step_due,
    bucket_now = 'late' AND status NOT IN (9, 10) AS dossier_late,
    hand_step != '' AND run_state = 'passed' AS step_late,
    least(
        if(dossier_late, ifNull(due, held_since), toDateTime64('2299-01-01 00:00:00', 6, 'UTC')),
        if(step_late, ifNull(step_due, held_since), toDateTime64('2299-01-01 00:00:00', 6, 'UTC'))
    ) AS late_since
FROM dossiers_now
WHERE (log_partition, dossier_id) GLOBAL IN
(
    SELECT log_partition, dossier_id
    FROM dossier_states
    GROUP BY log_partition, dossier_id
    HAVING (max(late_mark) % 2 = 1 AND max(open_mark) % 2 = 1)
        OR (max(passed_mark) % 2 = 1 AND max(hand_mark) % 2 = 1)
)
AND (dossier_late OR step_late);

-- 0031_vouched_lanes
CREATE TABLE IF NOT EXISTS vouched_lanes_local ON CLUSTER '{cluster}'
(
    log_partition UInt16,
    migration     SimpleAggregateFunction(max, UInt32)
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/vouched_lanes_local', '{replica}')
ORDER BY log_partition;
CREATE TABLE IF NOT EXISTS vouched_lanes ON CLUSTER '{cluster}' AS vouched_lanes_local
ENGINE = Distributed('{cluster}', currentDatabase(), 'vouched_lanes_local', log_partition);
