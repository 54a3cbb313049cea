-- A chunk's `k` is its place in the order of all commits, in which the feed reads; it is given once. `last` is the largest
-- that was in use when chunks were last taken away: the next one is above it, also when the newest rows are gone.
CREATE TABLE feed (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL) STRICT;
INSERT INTO feed VALUES (1, 0);

-- What a sealed chunk was made of: its rows' `k` and number of events (order.ts), up to the row `last`. A chunk that is
-- not named here is one commit's events, or was sealed before there was a feed.
CREATE TABLE chunk_order (
  k INTEGER PRIMARY KEY REFERENCES chunk (k) ON DELETE CASCADE,
  last INTEGER NOT NULL,
  commits BLOB NOT NULL
) STRICT;

-- Who wrote from `first` on: a new name with the first commit of each process. A place in the feed carries the name, so
-- that it is known for what it is in another data directory, and in one that was put back and has gone on from there.
CREATE TABLE life (first INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO life VALUES (0, lower(hex(randomblob(5))));
