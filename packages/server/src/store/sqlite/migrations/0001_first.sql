-- A conversation keeps its folder for good. `head` is the number of its last event: numbers are taken from it, in the
-- transaction that stores the events. `sealed`: events up to here lie in large chunks that stay as they are.
CREATE TABLE conversation (
  c INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  folder TEXT NOT NULL,
  cwd TEXT NOT NULL,
  grp TEXT,
  session_id TEXT,
  head INTEGER NOT NULL DEFAULT 0,
  sealed INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE folder (
  path TEXT PRIMARY KEY,
  canonical INTEGER NOT NULL REFERENCES conversation (c)
) STRICT, WITHOUT ROWID;

-- References are indexed, or forgetting one conversation would look through all of these tables.
CREATE INDEX folder_canonical ON folder (canonical);

-- Another name for whatever conversation a folder has. No id is both an alias and a conversation.
CREATE TABLE alias (
  id TEXT PRIMARY KEY,
  folder TEXT NOT NULL REFERENCES folder (path)
) STRICT, WITHOUT ROWID;

CREATE INDEX alias_folder ON alias (folder);

CREATE TABLE run (
  r INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  c INTEGER NOT NULL REFERENCES conversation (c),
  folder TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('accepted', 'running', 'ended')),
  begun_by TEXT NOT NULL CHECK (begun_by IN ('client', 'agent')),
  text TEXT NOT NULL,
  options TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER,
  begun_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;

CREATE INDEX run_conversation ON run (c);

-- One open run in a folder, whatever the code above believes.
CREATE UNIQUE INDEX run_open ON run (folder) WHERE state <> 'ended';

-- One row is one commit's events of one conversation: `n` lines of NDJSON from number `first` on, exactly as served.
-- Rows lie in the order they were written: a key of (c, first) would touch a page of its own for every conversation.
CREATE TABLE chunk (
  k INTEGER PRIMARY KEY,
  c INTEGER NOT NULL REFERENCES conversation (c),
  first INTEGER NOT NULL,
  n INTEGER NOT NULL,
  at INTEGER NOT NULL,
  lines TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX chunk_position ON chunk (c, first);

-- Conversations that came to rest and whose small chunks are to be merged.
CREATE TABLE unsealed (c INTEGER PRIMARY KEY REFERENCES conversation (c)) STRICT;

CREATE TABLE process (
  pid INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  PRIMARY KEY (pid, started_at)
) STRICT, WITHOUT ROWID;
