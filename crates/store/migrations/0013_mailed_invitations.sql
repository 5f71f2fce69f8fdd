-- Invitations are mailed, and open a server to those they name. email_key: the address in lower case.
ALTER TABLE invitation ADD COLUMN email_key TEXT;
UPDATE invitation SET email_key = LOWER(email);
CREATE INDEX invitation_by_email ON invitation (email_key);
-- Which one a mail is about: it is not sent once that is gone.
ALTER TABLE mail ADD COLUMN invitation_id TEXT REFERENCES invitation (id) ON DELETE CASCADE;
CREATE INDEX mail_by_invitation ON mail (invitation_id);
