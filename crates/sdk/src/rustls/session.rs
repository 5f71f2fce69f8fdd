use rustls::{
    NamedGroup,
    client::{ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue},
};
use rustls_pki_types::ServerName;

use crate::Engine;

/// Tickets kept, over all servers; rustls' own default.
const MAX_SESSIONS: usize = 256;

/// Sessions of one generation of trust: given out only while it lasts (P-4.10).
///
/// A resumed connection shows no certificate, so nothing would be decided again. A ticket does not say under which
/// generation its own connection was decided, and one may arrive after trust changed: that is why a store never goes
/// over to a later generation.
#[derive(Debug)]
pub struct GenerationStore {
    engine: Engine,
    generation: u64,
    sessions: ClientSessionMemoryCache,
}

impl GenerationStore {
    /// An empty store for connections decided under `generation`.
    #[must_use]
    pub fn new(engine: Engine, generation: u64) -> Self {
        Self { engine, generation, sessions: ClientSessionMemoryCache::new(MAX_SESSIONS) }
    }

    fn lasts(&self) -> bool {
        self.engine.generation() == self.generation
    }
}

impl ClientSessionStore for GenerationStore {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.sessions.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        self.sessions.kx_hint(server_name)
    }

    fn set_tls12_session(&self, server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.sessions.set_tls12_session(server_name, value);
    }

    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.sessions.tls12_session(server_name).filter(|_| self.lasts())
    }

    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.sessions.remove_tls12_session(server_name);
    }

    fn insert_tls13_ticket(&self, server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.sessions.insert_tls13_ticket(server_name, value);
    }

    fn take_tls13_ticket(&self, server_name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.sessions.take_tls13_ticket(server_name).filter(|_| self.lasts())
    }
}
