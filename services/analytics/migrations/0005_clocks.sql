-- Under the log clock: how far the time of each partition is, written only after everything before it.
CREATE TABLE IF NOT EXISTS clocks
(
    log_partition UInt16,
    moved_to      SimpleAggregateFunction(max, DateTime64(6, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY log_partition
SETTINGS non_replicated_deduplication_window = 10000;
