-- Every step of an inserted block that ended.
CREATE MATERIALIZED VIEW IF NOT EXISTS step_times_feed TO step_times AS
SELECT
    toDate(at, 'Asia/Ho_Chi_Minh') AS ended_on,
    holder AS agency,
    procedure,
    channel,
    step,
    log_partition,
    count() AS facts,
    toInt64(countIf(known)) AS steps,
    sumIf(toUnixTimestamp64Micro(at) - toUnixTimestamp64Micro(parseDateTime64BestEffortOrZero(since, 6, 'UTC')), known) AS micros,
    toInt64(countIf(known AND outcome = 'early')) AS early,
    toInt64(countIf(known AND outcome = 'on_time')) AS on_time,
    toInt64(countIf(known AND outcome = 'late')) AS late
FROM
(
    SELECT
        at, procedure, channel, step, outcome, log_partition,
        JSONExtractString(body, 'since') AS since,
        JSONExtractString(body, if(type = 'HandedOver', 'giver', 'holder'), 1) AS holder,
        since != '' AND holder != '' AS known
    FROM facts
    WHERE type IN ('StepCompleted', 'HandedOver')
)
GROUP BY ended_on, agency, procedure, channel, step, log_partition
