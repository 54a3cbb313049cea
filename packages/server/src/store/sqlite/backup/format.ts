/** What makes a copy of the database a backup: a mark, and the attachments, cut into parts. */
export const FORMAT = `
  PRAGMA application_id = 1129336898;
  CREATE TABLE backup_part (
    attachment TEXT NOT NULL,
    part INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (attachment, part)
  ) STRICT;
`

/** "CPXB" */
export const APPLICATION_ID = 1_129_336_898

/** A value in SQLite cannot be as large as an attachment may be. */
export const PART_BYTES = 1024 * 1024
