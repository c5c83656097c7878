-- The lanes whose tables a start has found right, all that stand since a migration.
SELECT intDiv(log_partition, 8) AS lane
FROM vouched_lanes
GROUP BY lane
HAVING max(migration) >= %(migration)s
ORDER BY lane
