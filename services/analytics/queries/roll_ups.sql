-- Roll-ups that are not made of as many facts as the raw rows call for, by partition.
SELECT roll_up, log_partition, sum(of_facts) AS wanted, sum(of_roll_up) AS found
FROM
(
    SELECT
        arrayJoin([
            ('dossier_states', lives), ('lives', lives), ('figures', lives), ('stamp_states', stamps),
            ('ratings', rates), ('step_times', steps)
        ]) AS pair,
        pair.1 AS roll_up, log_partition, pair.2 AS of_facts, 0 AS of_roll_up
    FROM
    (
        SELECT
            log_partition,
            countIf(type != 'NumberDrawn') AS lives,
            countIf(type IN ('StampApplied', 'StampRevoked', 'NumberDrawn')) AS stamps,
            countIf(type = 'DossierRated') AS rates,
            countIf(type IN ('StepCompleted', 'HandedOver')) AS steps
        FROM facts
        WHERE has(%(partitions)s, log_partition)
        GROUP BY log_partition
    )
    UNION ALL
    SELECT ('', 0), 'dossier_states', log_partition, 0, sum(facts)
    FROM dossier_states
    WHERE has(%(partitions)s, log_partition)
    GROUP BY log_partition
    UNION ALL
    SELECT ('', 0), 'stamp_states', log_partition, 0, sum(facts)
    FROM stamp_states
    WHERE has(%(partitions)s, log_partition)
    GROUP BY log_partition
    UNION ALL
    SELECT ('', 0), 'lives', log_partition, 0, count()
    FROM lives
    WHERE has(%(partitions)s, log_partition)
    GROUP BY log_partition
    UNION ALL
    SELECT ('', 0), 'figures', log_partition, 0, sum(facts)
    FROM figures
    WHERE has(%(partitions)s, log_partition)
    GROUP BY log_partition
    UNION ALL
    SELECT ('', 0), 'ratings', log_partition, 0, toUInt64(sum(ratings))
    FROM ratings
    WHERE has(%(partitions)s, log_partition)
    GROUP BY log_partition
    UNION ALL
    SELECT ('', 0), 'step_times', log_partition, 0, sum(facts)
    FROM step_times
    WHERE has(%(partitions)s, log_partition)
    GROUP BY log_partition
)
GROUP BY roll_up, log_partition
HAVING wanted != found
ORDER BY roll_up, log_partition
