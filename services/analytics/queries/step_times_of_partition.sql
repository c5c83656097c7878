-- The times of steps of one partition, cell by cell: the key, then the numbers.
SELECT
    ended_on, agency, procedure, channel, step, sum(steps) AS n, sum(micros) AS m, sum(early) AS ne,
    sum(on_time) AS no, sum(late) AS nl
FROM step_times
WHERE log_partition = %(partition)s
GROUP BY ended_on, agency, procedure, channel, step
HAVING (n, m, ne, no, nl) != (0, 0, 0, 0, 0)
