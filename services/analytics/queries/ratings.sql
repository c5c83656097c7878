-- Ratings given at the counter, by local period and by any of agency, procedure and channel, score by score.
SELECT
    toString(multiIf(
        %(period)s = 'day', rated_on,
        %(period)s = 'month', toStartOfMonth(rated_on),
        %(period)s = 'quarter', toStartOfQuarter(rated_on),
        %(period)s = 'year', toStartOfYear(rated_on),
        toDate(0)
    )) AS starts,
    if(%(by_agency)s, toString(agency), '') AS of_agency,
    if(%(by_procedure)s, toString(procedure), '') AS of_procedure,
    if(%(by_channel)s, toString(channel), '') AS of_channel,
    score,
    sum(ratings) AS n
FROM ratings
WHERE rated_on BETWEEN toDate(%(first)s) AND toDate(%(last)s)
  AND (%(every_agency)s OR has(%(agencies)s, agency))
GROUP BY starts, of_agency, of_procedure, of_channel, score
HAVING n != 0
ORDER BY starts, of_agency, of_procedure, of_channel, score
