-- The pieces of dossiers' states anew, a lane (eight partitions of the log) a partition of the table: a rebuild puts one
-- in place of another in one step. The first start of a lane fills a warehouse of before. Granules are small: questions merge the dossiers
-- they are about, which the plain columns find (late_mark and after it: what late_now looks at).
CREATE TABLE IF NOT EXISTS dossier_states
(
    log_partition UInt16,
    dossier_id    FixedString(32) CODEC(ZSTD(1)),
    last_seq      SimpleAggregateFunction(max, UInt32),
    facts         SimpleAggregateFunction(sum, UInt64),
    latest        AggregateFunction(
                      argMax,
                      Tuple(
                          status UInt8, overdue UInt8, due Nullable(DateTime64(6, 'UTC')), agency String,
                          procedure String, procedure_version UInt32, channel String, at DateTime64(6, 'UTC')
                      ),
                      UInt32
                  ) CODEC(ZSTD(1)),
    bucket        AggregateFunction(argMax, String, UInt32) CODEC(ZSTD(1)),
    dossier_code  SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    registered_on SimpleAggregateFunction(max, Date),
    registered_at SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    accepted_at   SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    received_at   SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    finished_at   SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    score         SimpleAggregateFunction(max, UInt8),
    due_original  SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    hand          AggregateFunction(argMax, Tuple(step String, agency String, officer String), UInt32) CODEC(ZSTD(1)),
    held          AggregateFunction(argMax, DateTime64(6, 'UTC'), UInt32) CODEC(ZSTD(1)),
    run           AggregateFunction(
                      argMax, Tuple(state String, due Nullable(DateTime64(6, 'UTC'))), UInt32
                  ) CODEC(ZSTD(1)),
    receive_mark  SimpleAggregateFunction(max, UInt64),
    appraise_mark SimpleAggregateFunction(max, UInt64),
    approve_mark  SimpleAggregateFunction(max, UInt64),
    stamp_mark    SimpleAggregateFunction(max, UInt64),
    return_mark   SimpleAggregateFunction(max, UInt64),
    declined_mark SimpleAggregateFunction(max, UInt64),
    original_mark SimpleAggregateFunction(max, UInt64),
    late_mark     SimpleAggregateFunction(max, UInt64),
    open_mark     SimpleAggregateFunction(max, UInt64),
    passed_mark   SimpleAggregateFunction(max, UInt64),
    hand_mark     SimpleAggregateFunction(max, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY intDiv(log_partition, 8)
ORDER BY (log_partition, dossier_id)
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 512;
