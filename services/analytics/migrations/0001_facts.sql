-- The raw facts: the truth every other table can be rebuilt from.
CREATE TABLE IF NOT EXISTS facts
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
ENGINE = MergeTree
PARTITION BY toYYYYMM(at, 'Asia/Ho_Chi_Minh')
ORDER BY (log_partition, log_offset)
SETTINGS non_replicated_deduplication_window = 10000;
