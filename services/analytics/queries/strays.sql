-- What stands in the tables for partitions the log does not have, by partition: rows, dossiers, clocks, and in how
-- many roll-ups something stands.
SELECT log_partition, sum(of_facts), sum(of_dossiers), sum(of_clocks), sum(of_roll_ups)
FROM
(
    SELECT log_partition, count() AS of_facts, 0 AS of_dossiers, 0 AS of_clocks, 0 AS of_roll_ups
    FROM facts
    WHERE log_partition >= %(partitions)s
    GROUP BY log_partition
    UNION ALL
    SELECT log_partition, 0, uniqExact(dossier_id), 0, 0
    FROM dossier_states
    WHERE log_partition >= %(partitions)s
    GROUP BY log_partition
    UNION ALL
    SELECT DISTINCT log_partition, 0, 0, 1, 0
    FROM clocks
    WHERE log_partition >= %(partitions)s
    UNION ALL
    SELECT DISTINCT log_partition, 0, 0, 0, 1
    FROM stamp_states
    WHERE log_partition >= %(partitions)s
    UNION ALL
    SELECT DISTINCT log_partition, 0, 0, 0, 1
    FROM lives
    WHERE log_partition >= %(partitions)s
    UNION ALL
    SELECT DISTINCT log_partition, 0, 0, 0, 1
    FROM figures
    WHERE log_partition >= %(partitions)s
    UNION ALL
    SELECT DISTINCT log_partition, 0, 0, 0, 1
    FROM ratings
    WHERE log_partition >= %(partitions)s
    UNION ALL
    SELECT DISTINCT log_partition, 0, 0, 0, 1
    FROM step_times
    WHERE log_partition >= %(partitions)s
)
GROUP BY log_partition
ORDER BY log_partition
