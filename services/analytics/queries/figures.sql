-- Dossiers by bucket, registered in a local period, of the agencies a caller may see.
SELECT
    bucket_now,
    count(),
    countIf(status = 5),
    countIf(declined),
    countIf(late_by_original),
    countIf(isNotNull(all_on_site)),
    countIf(ifNull(all_on_site, 0) = 1)
FROM dossiers_now
WHERE registered_day BETWEEN toDate(%(first)s) AND toDate(%(last)s)
  AND (%(every_agency)s OR has(%(agencies)s, agency))
GROUP BY bucket_now
ORDER BY bucket_now
