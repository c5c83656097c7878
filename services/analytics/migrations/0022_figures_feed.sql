-- Of each dossier of an inserted block: out of the cell it counted in before the block, into the one it counts in
-- after it. A dossier that no fact yet has put in a bucket counts in none. What was before comes from the facts with a
-- lower seq, which earlier blocks brought, whole: so the same block again, after whatever half of it was written, comes
-- to the same.
CREATE MATERIALIZED VIEW IF NOT EXISTS figures_feed TO figures AS
SELECT
    cell.registered_on AS registered_on,
    cell.agency AS agency,
    cell.procedure AS procedure,
    cell.channel AS channel,
    cell.bucket AS bucket,
    log_partition,
    sum(cell.facts) AS facts,
    sum(cell.sign) AS dossiers,
    sum(cell.sign * (cell.status = 5)) AS supplement_requested,
    sum(cell.sign * (cell.declined % 2)) AS declined,
    sum(cell.sign * (cell.status IN (9, 10) AND cell.original % 2 = 1)) AS late_by_original,
    sum(
        cell.sign
        * (cell.status = 10 AND cell.declined % 2 = 0 AND arrayAll(place -> place > 0, cell.places))
    ) AS five_steps,
    sum(
        cell.sign
        * (cell.status = 10 AND cell.declined % 2 = 0 AND arrayAll(place -> place % 2 = 1, cell.places))
    ) AS five_on_site
FROM
(
    SELECT
        n.log_partition AS log_partition,
        arrayJoin(
            CAST(
                [
                    (
                        -(w.bucket != ''), 0, w.registered_on, w.agency, w.procedure, w.channel, w.bucket, w.status,
                        w.declined, w.original, [w.receive, w.appraise, w.approve, w.stamp, w.return]
                    ),
                    (
                        n.bucket != '' OR w.bucket != '', n.facts, greatest(w.registered_on, n.registered_on),
                        n.agency, n.procedure, n.channel, if(n.bucket = '', w.bucket, n.bucket), n.status,
                        greatest(w.declined, n.declined), greatest(w.original, n.original),
                        [
                            greatest(w.receive, n.receive), greatest(w.appraise, n.appraise),
                            greatest(w.approve, n.approve), greatest(w.stamp, n.stamp), greatest(w.return, n.return)
                        ]
                    )
                ],
                'Array(Tuple(sign Int64, facts UInt64, registered_on Date, agency String, procedure String, channel String, bucket String, status UInt8, declined UInt64, original UInt64, places Array(UInt64)))'
            )
        ) AS cell
    FROM
    (
        SELECT
            log_partition,
            dossier_id,
            count() AS facts,
            argMax(toString(f.agency), f.seq) AS agency,
            argMax(toString(f.procedure), f.seq) AS procedure,
            argMax(toString(f.channel), f.seq) AS channel,
            argMax(toString(f.bucket), if(f.bucket = '', toUInt32(0), f.seq)) AS bucket,
            argMax(f.status, f.seq) AS status,
            max(if(f.type = 'DossierRegistered', toDate(f.at, 'Asia/Ho_Chi_Minh'), toDate(0))) AS registered_on,
            max(if(f.step = 'receive' AND f.place != '', toUInt64(f.seq) * 2 + (f.place = 'centre'), 0)) AS receive,
            max(if(f.step = 'appraise' AND f.place != '', toUInt64(f.seq) * 2 + (f.place = 'centre'), 0)) AS appraise,
            max(if(f.step = 'approve' AND f.place != '', toUInt64(f.seq) * 2 + (f.place = 'centre'), 0)) AS approve,
            max(if(f.step = 'stamp' AND f.place != '', toUInt64(f.seq) * 2 + (f.place = 'centre'), 0)) AS stamp,
            max(if(f.step = 'return' AND f.place != '', toUInt64(f.seq) * 2 + (f.place = 'centre'), 0)) AS return,
            max(
                if(
                    f.type IN ('DossierDeclined', 'ResultCorrected'),
                    toUInt64(f.seq) * 2 + (f.type = 'DossierDeclined'),
                    0
                )
            ) AS declined,
            max(if(f.type = 'ProcessingFinished', toUInt64(f.seq) * 2 + (f.by_original = 'late'), 0)) AS original
        FROM facts AS f
        WHERE f.type != 'NumberDrawn'
        GROUP BY log_partition, dossier_id
    ) AS n
    LEFT JOIN
    (
        SELECT
            l.log_partition AS log_partition,
            l.dossier_id AS dossier_id,
            argMax(toString(l.agency), l.seq) AS agency,
            argMax(toString(l.procedure), l.seq) AS procedure,
            argMax(toString(l.channel), l.seq) AS channel,
            argMax(toString(l.bucket), if(l.bucket = '', toUInt32(0), l.seq)) AS bucket,
            argMax(l.status, l.seq) AS status,
            max(l.registered_on) AS registered_on,
            max(l.receive_mark) AS receive,
            max(l.appraise_mark) AS appraise,
            max(l.approve_mark) AS approve,
            max(l.stamp_mark) AS stamp,
            max(l.return_mark) AS return,
            max(l.declined_mark) AS declined,
            max(l.original_mark) AS original
        FROM
        (
            SELECT * FROM lives WHERE (log_partition, dossier_id) IN (SELECT log_partition, dossier_id FROM facts)
        ) AS l
        INNER JOIN
        (
            SELECT log_partition, dossier_id, min(seq) AS first_seq FROM facts GROUP BY log_partition, dossier_id
        ) AS b ON l.log_partition = b.log_partition AND l.dossier_id = b.dossier_id
        WHERE l.seq < b.first_seq
        GROUP BY log_partition, dossier_id
    ) AS w ON n.log_partition = w.log_partition AND n.dossier_id = w.dossier_id
)
WHERE cell.sign != 0 OR cell.facts != 0
GROUP BY registered_on, agency, procedure, channel, bucket, log_partition;
