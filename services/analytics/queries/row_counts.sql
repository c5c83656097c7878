-- Rows of the raw facts by partition.
SELECT log_partition, count()
FROM facts
WHERE has(%(partitions)s, log_partition)
GROUP BY log_partition
