-- What is late and still open, as before; only those dossiers' states are merged that the marks of their last facts
-- call for: the list must not cost what merging all costs. It is the WHERE below that decides, marks only choose.
CREATE OR REPLACE VIEW late_now AS
SELECT
    dossier_id,
    code,
    procedure,
    agency,
    status,
    due,
    promised,
    if(hand_agency = '', agency, hand_agency) AS at_agency,
    hand_step AS at_step,
    hand_officer AS at_officer,
    held_since,
    run_due AS step_due,
    bucket_now = 'late' AND status NOT IN (9, 10) AS dossier_late,
    hand_step != '' AND run_state = 'passed' AS step_late,
    least(
        if(dossier_late, ifNull(due, held_since), toDateTime64('2299-01-01 00:00:00', 6, 'UTC')),
        if(step_late, ifNull(step_due, held_since), toDateTime64('2299-01-01 00:00:00', 6, 'UTC'))
    ) AS late_since
FROM dossiers_now
WHERE (log_partition, dossier_id) IN
(
    SELECT log_partition, dossier_id
    FROM dossier_states
    GROUP BY log_partition, dossier_id
    HAVING (max(late_mark) % 2 = 1 AND max(open_mark) % 2 = 1)
        OR (max(passed_mark) % 2 = 1 AND max(hand_mark) % 2 = 1)
)
AND (dossier_late OR step_late);
