-- Roll-ups that are not made of as many facts as the raw rows call for, by partition.
SELECT roll_up, log_partition, sum(of_facts) AS wanted, sum(of_roll_up) AS found
FROM
(
    SELECT 'dossiers' AS roll_up, log_partition, count() AS of_facts, 0 AS of_roll_up
    FROM facts
    WHERE has(%(partitions)s, log_partition) AND type != 'NumberDrawn'
    GROUP BY log_partition
    UNION ALL
    SELECT 'dossiers', log_partition, 0, sum(facts)
    FROM dossiers
    WHERE has(%(partitions)s, log_partition)
    GROUP BY log_partition
    UNION ALL
    SELECT 'stamps', log_partition, count(), 0
    FROM facts
    WHERE has(%(partitions)s, log_partition) AND type IN ('StampApplied', 'StampRevoked', 'NumberDrawn')
    GROUP BY log_partition
    UNION ALL
    SELECT 'stamps', log_partition, 0, sum(facts)
    FROM stamps
    WHERE has(%(partitions)s, log_partition)
    GROUP BY log_partition
)
GROUP BY roll_up, log_partition
HAVING wanted != found
ORDER BY roll_up, log_partition
