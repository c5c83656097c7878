-- The lives of one partition by the words of where they count, each as sums: enough to tell a row too many, too few or
-- wrong.
SELECT
    agency, procedure, channel, bucket, count(), sum(seq), sum(seq * status), sum(toUInt64(registered_on)),
    sum(
        receive_mark + appraise_mark + approve_mark + stamp_mark + return_mark + declined_mark + original_mark
    )
FROM lives
WHERE log_partition = %(partition)s
GROUP BY agency, procedure, channel, bucket
