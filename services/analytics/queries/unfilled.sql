-- Roll-ups that hold nothing of a lane though the raw facts call for rows: a migration has made them just now.
SELECT wanted.lane AS lane, groupArray(wanted.roll_up) AS roll_ups
FROM
(
    SELECT
        intDiv(log_partition, 8) AS lane,
        arrayJoin(arrayConcat(
            if(type IN ('StampApplied', 'StampRevoked', 'NumberDrawn'), ['stamp_states'], []),
            if(type = 'DossierRated', ['ratings'], []),
            if(type IN ('StepCompleted', 'HandedOver'), ['step_times'], []),
            if(type != 'NumberDrawn', ['dossier_states', 'lives', 'figures'], [])
        )) AS roll_up
    FROM (SELECT DISTINCT intDiv(log_partition, 8) * 8 AS log_partition, type FROM facts)
    GROUP BY lane, roll_up
) AS wanted
WHERE (lane, roll_up) NOT IN
(
    SELECT intDiv(log_partition, 8), 'dossier_states' FROM dossier_states GROUP BY 1
    UNION ALL
    SELECT intDiv(log_partition, 8), 'stamp_states' FROM stamp_states GROUP BY 1
    UNION ALL
    SELECT intDiv(log_partition, 8), 'lives' FROM lives GROUP BY 1
    UNION ALL
    SELECT intDiv(log_partition, 8), 'figures' FROM figures GROUP BY 1
    UNION ALL
    SELECT intDiv(log_partition, 8), 'ratings' FROM ratings GROUP BY 1
    UNION ALL
    SELECT intDiv(log_partition, 8), 'step_times' FROM step_times GROUP BY 1
)
GROUP BY lane
ORDER BY lane
