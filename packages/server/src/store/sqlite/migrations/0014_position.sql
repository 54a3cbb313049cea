-- Where a conversation's events lie: the rows of `chunk` by number. New ones are `young`: those of the last few commits
-- of all conversations, together on a few pages. A commit moves some that have been there for a while to the others,
-- several of one conversation at a time. An index on chunk (c, first) would touch a page of its own in every commit for
-- every conversation, and write it.
CREATE TABLE position (
  young INTEGER NOT NULL CHECK (young IN (0, 1)),
  c INTEGER NOT NULL,
  first INTEGER NOT NULL,
  k INTEGER NOT NULL,
  PRIMARY KEY (young, c, first)
) STRICT, WITHOUT ROWID;

INSERT INTO position (young, c, first, k) SELECT 0, c, first, k FROM chunk ORDER BY c, first;

DROP INDEX chunk_position;
