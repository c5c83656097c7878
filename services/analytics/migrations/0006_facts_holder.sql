-- What a fact says of the step in hand, of its own step and of a seal; and the numbers of seals' registers, rows
-- of the type NumberDrawn, whose dossier_id is the register's key.
ALTER TABLE facts
    ADD COLUMN IF NOT EXISTS in_hand LowCardinality(String),
    ADD COLUMN IF NOT EXISTS holder_agency LowCardinality(String),
    ADD COLUMN IF NOT EXISTS holder_officer String CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS handed UInt8,
    ADD COLUMN IF NOT EXISTS step_clock LowCardinality(String),
    ADD COLUMN IF NOT EXISTS step_due Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS place LowCardinality(String),
    ADD COLUMN IF NOT EXISTS by_original LowCardinality(String),
    ADD COLUMN IF NOT EXISTS seal LowCardinality(String),
    ADD COLUMN IF NOT EXISTS stamp UInt32,
    ADD COLUMN IF NOT EXISTS stamped_dossier String CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS year UInt16,
    ADD COLUMN IF NOT EXISTS number UInt32;
