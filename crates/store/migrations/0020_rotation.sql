-- rotation: JSON of the change of a server's key that is under way: the next pin, those to be retired, since when, and how
-- long installations may be offline.
ALTER TABLE domain ADD COLUMN rotation TEXT;
