import pintle

pins = pintle.setup("pintle.json", storage_dir="/var/lib/myapp/pins")
with pintle.requests_session(pins) as session:
    session.get("https://api.example.com/")
