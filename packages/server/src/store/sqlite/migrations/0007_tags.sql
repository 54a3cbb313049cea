-- What a person has marked a conversation with, in the order in which they gave it: a JSON array.
ALTER TABLE conversation ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';

-- The same, to find conversations by it. The copy of `active_at` lets a list begin at its newest and end with its page.
CREATE TABLE tagged (
  c INTEGER NOT NULL REFERENCES conversation (c),
  tag TEXT NOT NULL,
  active_at INTEGER NOT NULL,
  PRIMARY KEY (c, tag)
) STRICT, WITHOUT ROWID;

CREATE INDEX tagged_newest ON tagged (tag, active_at, c);

-- Runs begin in more than one way; none of them has to know of the copy.
CREATE TRIGGER tagged_active AFTER UPDATE OF active_at ON conversation BEGIN
  UPDATE tagged SET active_at = new.active_at WHERE c = new.c;
END;

-- Those put away are few beside the others: a list of them does not look through all.
CREATE INDEX conversation_archived ON conversation (active_at, c) WHERE deleted = 0 AND archived = 1;
CREATE INDEX conversation_folder_archived ON conversation (folder, active_at, c) WHERE deleted = 0 AND archived = 1;
