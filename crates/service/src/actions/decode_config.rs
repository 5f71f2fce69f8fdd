use pintle_api::{DecodeRequest, DecodeResponse};
use pintle_core::{Root, UnixTime};

use crate::{DecodeError, Service, ServiceError, decode::decode};

impl Service {
    /// What a signed configuration says, and whether it is authentic, for whoever asks: nothing of it is kept or looked up.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode_config(&self, request: &DecodeRequest, now: UnixTime) -> Result<DecodeResponse, ServiceError> {
        if !self.decodes {
            return Err(DecodeError::Off.into());
        }
        // No app embeds this: a bundle for trials on one machine is as good as another.
        let parse = |bundle: &String| Root::dangerous_parse_bundle_with_http_loopback(bundle.as_bytes());
        let root = request.bundle.as_ref().map(parse).transpose().map_err(DecodeError::from)?;
        Ok(decode(request.config.trim_ascii_end().as_bytes(), root.as_ref(), now).map_err(DecodeError::from)?)
    }
}
