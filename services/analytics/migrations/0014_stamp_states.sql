-- The pieces of stamps anew, by lanes like the states of dossiers.
CREATE TABLE IF NOT EXISTS stamp_states
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
ENGINE = AggregatingMergeTree
PARTITION BY intDiv(log_partition, 8)
ORDER BY (seal, dossier_id, stamp, log_partition)
SETTINGS non_replicated_deduplication_window = 10000;
