-- The state of each dossier, in mergeable pieces. `latest` is one tuple, so that an absent due date
-- replaces a present one (aggregate functions skip NULL arguments, but not tuples holding NULL).
CREATE TABLE IF NOT EXISTS dossiers
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
ENGINE = AggregatingMergeTree
ORDER BY (log_partition, dossier_id)
SETTINGS non_replicated_deduplication_window = 10000;
