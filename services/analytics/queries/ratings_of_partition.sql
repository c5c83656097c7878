-- The ratings of one partition, cell by cell: the key, then the number.
SELECT rated_on, agency, procedure, channel, score, sum(ratings) AS n
FROM ratings
WHERE log_partition = %(partition)s
GROUP BY rated_on, agency, procedure, channel, score
HAVING n != 0
