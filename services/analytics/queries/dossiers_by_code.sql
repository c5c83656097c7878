-- Which dossiers carry a legal code: one, unless two systems gave the same.
SELECT DISTINCT dossier_id
FROM facts
WHERE dossier_code = %(code)s
ORDER BY dossier_id
LIMIT 20
