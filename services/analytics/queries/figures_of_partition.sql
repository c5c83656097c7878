-- The figures of one partition, cell by cell: the key, then the numbers.
SELECT
    registered_on, agency, procedure, channel, bucket, sum(dossiers) AS n, sum(supplement_requested) AS n5,
    sum(declined) AS nd, sum(late_by_original) AS nl, sum(five_steps) AS nf, sum(five_on_site) AS ns
FROM figures
WHERE log_partition = %(partition)s
GROUP BY registered_on, agency, procedure, channel, bucket
HAVING (n, n5, nd, nl, nf, ns) != (0, 0, 0, 0, 0, 0)
