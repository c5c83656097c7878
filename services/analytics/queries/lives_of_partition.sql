-- The lives of one partition as one cell of sums, enough to tell a row too many, too few or wrong.
SELECT
    '' AS nothing, count() AS n, sum(seq), sum(seq * status), sumIf(seq, bucket != ''), sum(toUInt64(registered_on)),
    sum(
        receive_mark + appraise_mark + approve_mark + stamp_mark + return_mark + declined_mark + original_mark
    )
FROM lives
WHERE log_partition = %(partition)s
HAVING n != 0
