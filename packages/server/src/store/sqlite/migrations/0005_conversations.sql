-- What a person sees of a conversation in a list. `active_at`: when its newest run began; unlike `updated_at` it does not
-- change with every event, so that an index on it costs nothing.
ALTER TABLE conversation ADD COLUMN title TEXT;
ALTER TABLE conversation ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN active_at INTEGER NOT NULL DEFAULT 0;
UPDATE conversation SET active_at = updated_at;

CREATE INDEX conversation_active ON conversation (active_at, c) WHERE deleted = 0;
CREATE INDEX conversation_folder ON conversation (folder, active_at, c) WHERE deleted = 0;
