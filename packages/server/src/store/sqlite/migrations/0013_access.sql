-- Who may come in. `digest`: SHA-256, in hex, of what the bearer of the token says; the token itself is nowhere.
-- `scopes`, `roots`: lists in JSON; without `roots` it is for every folder.
CREATE TABLE token (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  digest TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  roots TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT;

-- Who did what. Numbers are not given again when the oldest are forgotten. `entry`: all that is known, as JSON;
-- `folder` beside it for who may see only some.
CREATE TABLE audit (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  folder TEXT,
  entry TEXT NOT NULL
) STRICT;

CREATE INDEX audit_at ON audit (at);
