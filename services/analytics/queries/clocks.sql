-- The log clock by partition.
SELECT log_partition, toUnixTimestamp64Micro(max(moved_to))
FROM clocks
GROUP BY log_partition
ORDER BY log_partition
