-- Every inserted block of facts as pieces of states. A fact without a bucket keeps the dossier's: its rank 0 never
-- wins against a fact's seq.
CREATE MATERIALIZED VIEW IF NOT EXISTS dossier_states_feed TO dossier_states AS
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
    max(score) AS score,
    max(if(type = 'DossierAccepted', ifNull(due, toDateTime64(0, 6, 'UTC')), toDateTime64(0, 6, 'UTC'))) AS due_original,
    argMaxState(
        CAST(
            (toString(in_hand), toString(holder_agency), holder_officer),
            'Tuple(step String, agency String, officer String)'
        ),
        seq
    ) AS hand,
    argMaxState(if(handed = 1, at, toDateTime64(0, 6, 'UTC')), if(handed = 1, seq, toUInt32(0))) AS held,
    argMaxState(
        CAST((toString(step_clock), step_due), 'Tuple(state String, due Nullable(DateTime64(6, \'UTC\')))'),
        if(step_clock = '', toUInt32(0), seq)
    ) AS run,
    max(if(step = 'receive' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS receive_mark,
    max(if(step = 'appraise' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS appraise_mark,
    max(if(step = 'approve' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS approve_mark,
    max(if(step = 'stamp' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS stamp_mark,
    max(if(step = 'return' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0))) AS return_mark,
    max(
        if(type IN ('DossierDeclined', 'ResultCorrected'), toUInt64(seq) * 2 + (type = 'DossierDeclined'), toUInt64(0))
    ) AS declined_mark,
    max(if(type = 'ProcessingFinished', toUInt64(seq) * 2 + (by_original = 'late'), toUInt64(0))) AS original_mark,
    max(if(f.bucket != '', toUInt64(seq) * 2 + (f.bucket = 'late'), toUInt64(0))) AS late_mark,
    max(toUInt64(seq) * 2 + (status NOT IN (9, 10))) AS open_mark,
    max(if(step_clock != '', toUInt64(seq) * 2 + (step_clock = 'passed'), toUInt64(0))) AS passed_mark,
    max(toUInt64(seq) * 2 + (in_hand != '')) AS hand_mark
FROM facts AS f
WHERE type != 'NumberDrawn'
GROUP BY log_partition, dossier_id;
