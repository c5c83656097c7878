-- Steps that ended, done or handed over, rolled up by the local day they ended: by the agency that had the step in
-- hand, how many, how long in microseconds, and how they stood to the step's own time where it has one. `facts` are those
-- it is made of; a step whose holder or beginning is not known is no more than that.
CREATE TABLE IF NOT EXISTS step_times
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
ENGINE = AggregatingMergeTree
PARTITION BY intDiv(log_partition, 8)
ORDER BY (ended_on, agency, procedure, channel, step, log_partition)
SETTINGS non_replicated_deduplication_window = 10000;
