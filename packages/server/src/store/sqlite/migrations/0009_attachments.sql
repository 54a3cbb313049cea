-- What came with prompts, or will; the bytes are files of their own. `facts` is all that is known of one, as JSON.
-- `unused_since`: when it was uploaded, as long as no prompt has used it; 0 when all that referred to it is deleted.
CREATE TABLE attachment (
  f INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  facts TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  unused_since INTEGER
) STRICT;

CREATE INDEX attachment_unused ON attachment (unused_since, bytes) WHERE unused_since IS NOT NULL;

-- Which conversations refer to it: it lives as long as one of them.
CREATE TABLE attachment_use (
  c INTEGER NOT NULL REFERENCES conversation (c),
  f INTEGER NOT NULL REFERENCES attachment (f),
  PRIMARY KEY (c, f)
) STRICT, WITHOUT ROWID;

CREATE INDEX attachment_use_of ON attachment_use (f);

-- The facts of what came with the prompt, as a list in JSON; NULL for none.
ALTER TABLE run ADD COLUMN attachments TEXT;
ALTER TABLE prompt ADD COLUMN attachments TEXT;
