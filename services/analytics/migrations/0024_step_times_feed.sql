-- Every step of an inserted block that ended with its holder known.
CREATE MATERIALIZED VIEW IF NOT EXISTS step_times_feed TO step_times AS
SELECT
    toDate(f.at, 'Asia/Ho_Chi_Minh') AS ended_on,
    JSONExtractString(f.body, if(f.type = 'HandedOver', 'giver', 'holder'), 1) AS agency,
    f.procedure AS procedure,
    f.channel AS channel,
    f.step AS step,
    f.log_partition AS log_partition,
    toInt64(count()) AS steps,
    sum(
        toUnixTimestamp64Micro(f.at)
        - toUnixTimestamp64Micro(parseDateTime64BestEffort(JSONExtractString(f.body, 'since'), 6, 'UTC'))
    ) AS micros,
    toInt64(countIf(f.outcome = 'early')) AS early,
    toInt64(countIf(f.outcome = 'on_time')) AS on_time,
    toInt64(countIf(f.outcome = 'late')) AS late
FROM facts AS f
WHERE f.type IN ('StepCompleted', 'HandedOver')
  AND JSONExtractString(f.body, 'since') != ''
  AND JSONExtractString(f.body, if(f.type = 'HandedOver', 'giver', 'holder'), 1) != ''
GROUP BY ended_on, agency, procedure, channel, step, log_partition;
