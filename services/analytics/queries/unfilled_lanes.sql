-- Lanes with raw facts whose writer has not said that the roll-ups have their past up to a migration.
SELECT lane
FROM
(
    SELECT intDiv(log_partition, 8) AS lane, 1 AS facts, 0 AS filled FROM facts GROUP BY lane
    UNION ALL
    SELECT intDiv(log_partition, 8) AS lane, 0 AS facts, max(migration) AS filled FROM filled_lanes GROUP BY lane
)
GROUP BY lane
HAVING max(facts) = 1 AND max(filled) < %(migration)s
ORDER BY lane
