-- A question of the agent's to a person. It is asked, and settled, in the transaction that stores the event which says so.
-- `carried`: its run was cut off before the agent had the answer; the conversation's next run by us brings it.
CREATE TABLE approval (
  a INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  c INTEGER NOT NULL REFERENCES conversation (c),
  run TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'allowed', 'denied', 'expired', 'cancelled')),
  carried INTEGER NOT NULL DEFAULT 0,
  request TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  deadline INTEGER,
  settlement TEXT
) STRICT;

CREATE INDEX approval_conversation ON approval (c);
CREATE INDEX approval_run ON approval (run);
CREATE INDEX approval_pending ON approval (a) WHERE state = 'pending';
CREATE INDEX approval_carried ON approval (a) WHERE carried = 1;

-- What a person has allowed for good: in one conversation (`session`) or in a folder (`project`).
CREATE TABLE approval_rule (
  id TEXT PRIMARY KEY,
  c INTEGER NOT NULL REFERENCES conversation (c),
  folder TEXT NOT NULL,
  scope TEXT NOT NULL CHECK (scope IN ('session', 'project')),
  rule TEXT NOT NULL,
  approval TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX approval_rule_conversation ON approval_rule (c);
CREATE INDEX approval_rule_folder ON approval_rule (folder);
