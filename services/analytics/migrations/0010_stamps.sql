-- The registers of the seals: each stamp in mergeable pieces, from the facts of its dossier and the number its seal's
-- register gave. A partition's pieces stand apart, so that each can be proven by itself.
CREATE TABLE IF NOT EXISTS stamps
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
ENGINE = AggregatingMergeTree
ORDER BY (seal, dossier_id, stamp, log_partition)
SETTINGS non_replicated_deduplication_window = 10000;
