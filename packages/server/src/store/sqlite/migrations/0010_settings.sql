-- What is kept of a run when it ends, in the transaction that ends it. `outcome`: success, or what went wrong, which `error`
-- tells as a sentence. `facts`: what the agent said of itself last, as JSON.
ALTER TABLE run ADD COLUMN outcome TEXT;
ALTER TABLE run ADD COLUMN error TEXT;
ALTER TABLE run ADD COLUMN facts TEXT;

-- What a run used of each model. The rows of a conversation lie together: their sum is one short walk.
CREATE TABLE run_usage (
  c INTEGER NOT NULL REFERENCES conversation (c),
  r INTEGER NOT NULL,
  model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cache_creation_tokens INTEGER NOT NULL,
  cost_usd REAL,
  PRIMARY KEY (c, model, r)
) STRICT, WITHOUT ROWID;

-- What the conversation's next runs begin with where they say nothing themselves, as JSON.
ALTER TABLE conversation ADD COLUMN settings TEXT;
