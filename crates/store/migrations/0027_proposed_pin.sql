-- What the monitor may draft by itself for a domain: off, live, live_and_ct.
ALTER TABLE domain ADD COLUMN auto_draft TEXT NOT NULL DEFAULT 'off';

-- A key that the monitor saw and proposes to pin. It counts for nothing until a person adds it. dismissed_at: somebody said no,
-- so that it is not proposed again.
CREATE TABLE proposed_pin (
    id TEXT NOT NULL PRIMARY KEY,
    domain_id TEXT NOT NULL REFERENCES domain (id) ON DELETE CASCADE,
    pin_type TEXT NOT NULL,
    digest TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    dismissed_at BIGINT,
    UNIQUE (domain_id, pin_type, digest)
);
