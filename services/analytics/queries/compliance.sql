-- The same counts by local period and by any of agency, procedure and channel.
SELECT
    toString(multiIf(
        %(period)s = 'day', registered_on,
        %(period)s = 'month', toStartOfMonth(registered_on),
        %(period)s = 'quarter', toStartOfQuarter(registered_on),
        %(period)s = 'year', toStartOfYear(registered_on),
        toDate(0)
    )) AS starts,
    if(%(by_agency)s, toString(agency), '') AS of_agency,
    if(%(by_procedure)s, toString(procedure), '') AS of_procedure,
    if(%(by_channel)s, toString(channel), '') AS of_channel,
    bucket,
    sum(dossiers) AS n,
    sum(supplement_requested),
    sum(declined),
    sum(late_by_original),
    sum(five_steps),
    sum(five_on_site)
FROM figures
WHERE registered_on BETWEEN toDate(%(first)s) AND toDate(%(last)s)
  AND (%(every_agency)s OR has(%(agencies)s, agency))
GROUP BY starts, of_agency, of_procedure, of_channel, bucket
HAVING n != 0
ORDER BY starts, of_agency, of_procedure, of_channel, bucket
