-- How much is late and still open, by who has it in hand and for which step.
SELECT at_agency, at_step, countIf(dossier_late), countIf(step_late), count()
FROM late_now
WHERE (%(every_agency)s OR has(%(agencies)s, agency) OR has(%(agencies)s, at_agency))
  AND (%(at_agency)s = '' OR at_agency = %(at_agency)s)
  AND (%(at_step)s = '' OR at_step = %(at_step)s)
GROUP BY at_agency, at_step
ORDER BY at_agency, at_step
