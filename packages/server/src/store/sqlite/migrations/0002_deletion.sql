-- The row of a deleted conversation stays, emptied, and so does one for each name that led to it: no id is given out
-- again, and neither is a `c`.
ALTER TABLE conversation ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;

-- Deleted conversations whose chunks and runs are still to be removed.
CREATE TABLE deletion (c INTEGER PRIMARY KEY REFERENCES conversation (c)) STRICT;
