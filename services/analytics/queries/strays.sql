-- What stands in the tables for partitions the log does not have: rows, dossiers and clocks by partition.
SELECT log_partition, sum(of_facts), sum(of_dossiers), sum(of_clocks)
FROM
(
    SELECT log_partition, count() AS of_facts, 0 AS of_dossiers, 0 AS of_clocks
    FROM facts
    WHERE log_partition >= %(partitions)s
    GROUP BY log_partition
    UNION ALL
    SELECT log_partition, 0, uniqExact(dossier_id), 0
    FROM dossier_states
    WHERE log_partition >= %(partitions)s
    GROUP BY log_partition
    UNION ALL
    SELECT DISTINCT log_partition, 0, 0, 1
    FROM clocks
    WHERE log_partition >= %(partitions)s
)
GROUP BY log_partition
ORDER BY log_partition
