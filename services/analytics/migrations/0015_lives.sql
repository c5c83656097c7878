-- What each fact says of where its dossier counts, in the order of dossiers: a few bytes a fact. The feed of figures
-- finds here what the dossiers of a block counted as before it. Marks as in dossier_states.
CREATE TABLE IF NOT EXISTS lives
(
    log_partition UInt16,
    dossier_id    FixedString(32) CODEC(ZSTD(1)),
    seq           UInt32 CODEC(Delta, ZSTD(1)),
    agency        LowCardinality(String),
    procedure     LowCardinality(String),
    channel       LowCardinality(String),
    status        UInt8 CODEC(ZSTD(1)),
    bucket        LowCardinality(String),
    registered_on Date CODEC(ZSTD(1)),
    receive_mark  UInt64 CODEC(ZSTD(1)),
    appraise_mark UInt64 CODEC(ZSTD(1)),
    approve_mark  UInt64 CODEC(ZSTD(1)),
    stamp_mark    UInt64 CODEC(ZSTD(1)),
    return_mark   UInt64 CODEC(ZSTD(1)),
    declined_mark UInt64 CODEC(ZSTD(1)),
    original_mark UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY intDiv(log_partition, 8)
ORDER BY (log_partition, dossier_id, seq)
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 512;
