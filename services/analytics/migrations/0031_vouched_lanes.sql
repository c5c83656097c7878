-- Up to which migration a start of each lane has held its tables against the log and found them right. Before that,
-- nobody knows whether a table that is empty has nothing to say, or has lost it, or was made just now.
CREATE TABLE IF NOT EXISTS vouched_lanes
(
    log_partition UInt16,
    migration     SimpleAggregateFunction(max, UInt32)
)
ENGINE = AggregatingMergeTree
ORDER BY log_partition;
