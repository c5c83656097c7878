-- Who has which step in hand since when, whether its time is up, where each step was done last, and how the
-- dossier stood to the day first promised. A mark is twice the seq of a fact, and one more for yes: the highest
-- is the last word.
ALTER TABLE dossiers
    ADD COLUMN IF NOT EXISTS due_original SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    ADD COLUMN IF NOT EXISTS hand AggregateFunction(argMax, Tuple(step String, agency String, officer String), UInt32),
    ADD COLUMN IF NOT EXISTS held AggregateFunction(argMax, DateTime64(6, 'UTC'), UInt32),
    ADD COLUMN IF NOT EXISTS run AggregateFunction(
        argMax, Tuple(state String, due Nullable(DateTime64(6, 'UTC'))), UInt32
    ),
    ADD COLUMN IF NOT EXISTS receive_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS appraise_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS approve_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS stamp_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS return_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS declined_mark SimpleAggregateFunction(max, UInt64),
    ADD COLUMN IF NOT EXISTS original_mark SimpleAggregateFunction(max, UInt64);
