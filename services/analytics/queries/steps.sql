-- Steps that ended, by local period and by any of agency, procedure, channel and step; the agency had it in hand.
SELECT
    toString(multiIf(
        %(period)s = 'day', ended_on,
        %(period)s = 'month', toStartOfMonth(ended_on),
        %(period)s = 'quarter', toStartOfQuarter(ended_on),
        %(period)s = 'year', toStartOfYear(ended_on),
        toDate(0)
    )) AS starts,
    if(%(by_agency)s, toString(agency), '') AS of_agency,
    if(%(by_procedure)s, toString(procedure), '') AS of_procedure,
    if(%(by_channel)s, toString(channel), '') AS of_channel,
    if(%(by_step)s, toString(step), '') AS of_step,
    sum(steps) AS n,
    sum(micros) AS took,
    sum(early) AS n_early,
    sum(on_time) AS n_on_time,
    sum(late) AS n_late
FROM step_times
WHERE ended_on BETWEEN toDate(%(first)s) AND toDate(%(last)s)
  AND (%(every_agency)s OR has(%(agencies)s, agency))
GROUP BY starts, of_agency, of_procedure, of_channel, of_step
HAVING n != 0
ORDER BY starts, of_agency, of_procedure, of_channel, of_step
