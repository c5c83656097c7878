-- The same counts by local period and by any of agency, procedure and channel.
SELECT
    toString(multiIf(
        %(period)s = 'day', registered_day,
        %(period)s = 'month', toStartOfMonth(registered_day),
        %(period)s = 'quarter', toStartOfQuarter(registered_day),
        %(period)s = 'year', toStartOfYear(registered_day),
        toDate(0)
    )) AS starts,
    if(%(by_agency)s, agency, '') AS of_agency,
    if(%(by_procedure)s, procedure, '') AS of_procedure,
    if(%(by_channel)s, channel, '') AS of_channel,
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
GROUP BY starts, of_agency, of_procedure, of_channel, bucket_now
ORDER BY starts, of_agency, of_procedure, of_channel, bucket_now
