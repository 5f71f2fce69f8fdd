-- A deleted project is hidden at once and erased later; nobody reaches a deleted organization, since it has no member.
ALTER TABLE project ADD COLUMN deleted_at BIGINT;
