-- Up to which migration the roll-ups of a lane have their past: its writer says so before its first insert. While an
-- insert is on its way its facts stand before its roll-ups do, so an empty roll-up alone shows nothing.
CREATE TABLE IF NOT EXISTS filled_lanes
(
    log_partition UInt16,
    migration     SimpleAggregateFunction(max, UInt32)
)
ENGINE = AggregatingMergeTree
ORDER BY log_partition;
