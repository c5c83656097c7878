-- Which dossiers carry a legal code.
SELECT DISTINCT dossier_id
FROM facts
WHERE dossier_code = %(code)s
ORDER BY dossier_id
