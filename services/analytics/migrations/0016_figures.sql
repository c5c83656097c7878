-- Compliance, rolled up: so many dossiers by local day of registration, agency, procedure, channel and bucket, and so
-- many of them in each subset; `facts` brought them here. Sums of what came in and went out, so a cell can be negative until merged.
CREATE TABLE IF NOT EXISTS figures
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
ENGINE = AggregatingMergeTree
PARTITION BY intDiv(log_partition, 8)
ORDER BY (registered_on, agency, procedure, channel, bucket, log_partition)
SETTINGS non_replicated_deduplication_window = 10000;
