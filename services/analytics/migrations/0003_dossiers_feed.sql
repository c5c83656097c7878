-- Every inserted block of facts as pieces of states. A fact without a bucket keeps the dossier's: its
-- rank 0 never wins against a fact's seq.
CREATE MATERIALIZED VIEW IF NOT EXISTS dossiers_feed TO dossiers AS
SELECT
    log_partition,
    dossier_id,
    max(seq) AS last_seq,
    count() AS facts,
    argMaxState(
        CAST(
            (status, overdue, due, toString(agency), toString(procedure), procedure_version, toString(channel), at),
            'Tuple(status UInt8, overdue UInt8, due Nullable(DateTime64(6, \'UTC\')), agency String, procedure String, procedure_version UInt32, channel String, at DateTime64(6, \'UTC\'))'
        ),
        seq
    ) AS latest,
    argMaxState(toString(bucket), if(bucket = '', toUInt32(0), seq)) AS bucket,
    max(dossier_code) AS dossier_code,
    max(if(type = 'DossierRegistered', toDate(at, 'Asia/Ho_Chi_Minh'), toDate(0))) AS registered_on,
    max(if(type = 'DossierRegistered', at, toDateTime64(0, 6, 'UTC'))) AS registered_at,
    max(if(type = 'DossierAccepted', at, toDateTime64(0, 6, 'UTC'))) AS accepted_at,
    max(ifNull(received_at, toDateTime64(0, 6, 'UTC'))) AS received_at,
    max(if(type = 'ProcessingFinished', at, toDateTime64(0, 6, 'UTC'))) AS finished_at,
    max(score) AS score
FROM facts
GROUP BY log_partition, dossier_id;
