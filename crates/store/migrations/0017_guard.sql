-- watch: endpoints that stand for the domain when somebody looks, as `host:port`, separated by spaces.
ALTER TABLE domain ADD COLUMN watch TEXT;

-- overridden: JSON of the guard's errors that it was made in spite of, with who and why.
ALTER TABLE prepared_release ADD COLUMN overridden TEXT;
ALTER TABLE "release" ADD COLUMN overridden TEXT;
