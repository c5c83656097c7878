-- Ratings at the counter, rolled up by the local day they were given.
CREATE TABLE IF NOT EXISTS ratings
(
    rated_on      Date,
    agency        LowCardinality(String),
    procedure     LowCardinality(String),
    channel       LowCardinality(String),
    score         UInt8,
    log_partition UInt16,
    ratings       SimpleAggregateFunction(sum, Int64)
)
ENGINE = AggregatingMergeTree
PARTITION BY intDiv(log_partition, 8)
ORDER BY (rated_on, agency, procedure, channel, score, log_partition)
SETTINGS non_replicated_deduplication_window = 10000;
