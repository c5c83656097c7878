-- Every inserted block of facts, as far as it bears on where dossiers count.
CREATE MATERIALIZED VIEW IF NOT EXISTS lives_feed TO lives AS
SELECT
    log_partition,
    dossier_id,
    seq,
    agency,
    procedure,
    channel,
    status,
    bucket,
    if(type = 'DossierRegistered', toDate(at, 'Asia/Ho_Chi_Minh'), toDate(0)) AS registered_on,
    if(step = 'receive' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0)) AS receive_mark,
    if(step = 'appraise' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0)) AS appraise_mark,
    if(step = 'approve' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0)) AS approve_mark,
    if(step = 'stamp' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0)) AS stamp_mark,
    if(step = 'return' AND place != '', toUInt64(seq) * 2 + (place = 'centre'), toUInt64(0)) AS return_mark,
    if(
        type IN ('DossierDeclined', 'ResultCorrected'), toUInt64(seq) * 2 + (type = 'DossierDeclined'), toUInt64(0)
    ) AS declined_mark,
    if(type = 'ProcessingFinished', toUInt64(seq) * 2 + (by_original = 'late'), toUInt64(0)) AS original_mark
FROM facts
WHERE type != 'NumberDrawn';
