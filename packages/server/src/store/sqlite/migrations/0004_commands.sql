-- Why somebody asked for an end of the run, from the moment on in which they were told that it will come.
ALTER TABLE run ADD COLUMN interrupted TEXT;

-- Prompts that came while their folder was busy. `id` is also the id of the run that a prompt becomes. `position` orders
-- the queue of a folder. `first` and `last`: the events that told of it first, and of its cancellation. `run`: what it
-- was steered into.
CREATE TABLE prompt (
  p INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  c INTEGER NOT NULL REFERENCES conversation (c),
  folder TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'steering', 'steered', 'begun', 'cancelled')),
  position INTEGER NOT NULL,
  text TEXT NOT NULL,
  options TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER,
  run TEXT,
  at INTEGER NOT NULL
) STRICT;

CREATE INDEX prompt_conversation ON prompt (c);
CREATE INDEX prompt_queued ON prompt (folder, position) WHERE state = 'queued';
CREATE INDEX prompt_steering ON prompt (run) WHERE state = 'steering';

-- What each request that carried a key has come to, so that it comes to nothing else when it is sent again.
CREATE TABLE request (
  folder TEXT NOT NULL,
  key TEXT NOT NULL,
  digest TEXT NOT NULL,
  run TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (folder, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX request_at ON request (at);
