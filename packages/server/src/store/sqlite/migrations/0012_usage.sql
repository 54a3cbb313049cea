-- What runs came to, for the bill: by quarter of an hour (`slot`, since 1970, when they ended: every time zone is some
-- quarters away from UTC), conversation, folder and model. The row with the empty model tells of the runs themselves, the
-- others of the tokens; there `runs` counts those that used the model. `c` is 0 for what was deleted: its sums stay.
CREATE TABLE used (
  slot INTEGER NOT NULL,
  c INTEGER NOT NULL,
  folder TEXT NOT NULL,
  model TEXT NOT NULL,
  runs INTEGER NOT NULL DEFAULT 0,
  succeeded INTEGER NOT NULL DEFAULT 0,
  interrupted INTEGER NOT NULL DEFAULT 0,
  duration_ms INTEGER NOT NULL DEFAULT 0,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  cache_read_tokens INTEGER NOT NULL DEFAULT 0,
  cache_creation_tokens INTEGER NOT NULL DEFAULT 0,
  cost_usd REAL,
  PRIMARY KEY (slot, c, folder, model)
) STRICT, WITHOUT ROWID;

CREATE INDEX used_conversation ON used (c);

INSERT INTO used (slot, c, folder, model, runs, succeeded, interrupted, duration_ms)
SELECT ended_at / 900000, iif(deleted, 0, run.c), run.folder, '', count(*), count(*) FILTER (WHERE outcome = 'success'),
  count(*) FILTER (WHERE outcome = 'interrupted'), sum(max(0, ended_at - begun_at))
FROM run JOIN conversation USING (c) WHERE outcome IS NOT NULL GROUP BY 1, 2, 3;

INSERT INTO used (slot, c, folder, model, runs, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cost_usd)
SELECT ended_at / 900000, iif(deleted, 0, run.c), run.folder, model, count(*), sum(input_tokens), sum(output_tokens),
  sum(cache_read_tokens), sum(cache_creation_tokens), sum(cost_usd)
FROM run_usage JOIN run USING (r) JOIN conversation ON conversation.c = run.c GROUP BY 1, 2, 3, 4;
