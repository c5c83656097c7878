-- Dossiers by bucket, registered in a local period, of the agencies a caller may see.
SELECT
    bucket, sum(dossiers) AS n, sum(supplement_requested), sum(declined), sum(late_by_original), sum(five_steps),
    sum(five_on_site)
FROM figures
WHERE registered_on BETWEEN toDate(%(first)s) AND toDate(%(last)s)
  AND (%(every_agency)s OR has(%(agencies)s, agency))
GROUP BY bucket
HAVING n != 0
ORDER BY bucket
