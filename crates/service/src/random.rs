use crate::ServiceError;

/// `N` bytes that nobody can guess.
pub(crate) fn make_random<const N: usize>() -> Result<[u8; N], ServiceError> {
    let mut random = [0; N];
    getrandom::fill(&mut random).map_err(|_| ServiceError::Internal("no randomness"))?;
    Ok(random)
}
