use std::sync::{Mutex, PoisonError};

/// Something that carries what was decided under one generation of trust, as a client with its kept connections: made anew
/// when trust has changed (P-4.10).
#[derive(Debug)]
pub struct PerGeneration<T>(Mutex<Option<(u64, T)>>);

impl<T> Default for PerGeneration<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> PerGeneration<T> {
    /// The one of `generation`, which [`Engine::generation`](crate::Engine::generation) says; one of another is let go. Ask
    /// before every use.
    pub fn get_or_make<E>(&self, generation: u64, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, value)) = kept.as_ref().filter(|(of, _)| *of == generation) {
            return Ok(value.clone());
        }
        let made = make()?;
        *kept = Some((generation, made.clone()));
        Ok(made)
    }
}
