-- What is late and still open: the dossier, the step in hand, or both. `at_agency` has it in hand.
CREATE VIEW IF NOT EXISTS late_now AS
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
WHERE dossier_late OR step_late;
