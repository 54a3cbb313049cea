-- Whose session is it: asked for each session in a list, and before one is adopted.
CREATE INDEX conversation_session ON conversation (session_id) WHERE session_id IS NOT NULL AND deleted = 0;

-- Conversations that are not whole yet. Their rows count as deleted, under ids that no client can name, until they are
-- published; those that a crash has left here are removed like what was deleted.
CREATE TABLE staged (c INTEGER PRIMARY KEY REFERENCES conversation (c)) STRICT;
