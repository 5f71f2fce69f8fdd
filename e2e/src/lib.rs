//! Journeys through what ships, with real attackers that nobody here wrote. Everything is in `tests/`.
