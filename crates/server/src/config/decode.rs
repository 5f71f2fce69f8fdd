use super::options::Options;

/// Decoding configurations for whoever asks.
#[derive(Clone, Copy, Debug)]
pub struct DecodeConfig {
    /// Whether anybody may.
    pub enabled: bool,
    /// Times per minute from one address.
    pub address_per_minute: u32,
}

impl DecodeConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            enabled: options.value(
                "decode.enabled",
                true,
                "Whether anybody may have the server decode and verify a signed configuration",
            ),
            address_per_minute: options.number(
                "decode.address_per_minute",
                60,
                0..=1_000_000,
                "Configurations decoded per minute for one address (of IPv6, for one /64); 0 for no limit",
            ),
        }
    }
}
