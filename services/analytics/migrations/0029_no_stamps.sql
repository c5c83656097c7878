-- Nobody reads the old pieces.
DROP TABLE IF EXISTS stamps;
