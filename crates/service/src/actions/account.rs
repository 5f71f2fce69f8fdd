//! Accounts of people: how one comes to have one, signs in, and keeps it.

mod change_address;
mod code;
mod confirm;
mod delete_account;
mod identities;
mod make_link;
mod passkey_sign_in;
mod passkeys;
mod read_account;
mod remove_lost_factors;
mod request_mail;
mod second_factor;
mod send_alert_mail;
mod send_mail;
mod sessions;
mod set_password;
mod sign_in;
mod sso;
mod totp;
mod ways_in;

pub use make_link::LinkKind;
pub use remove_lost_factors::LostFactors;
pub(super) use request_mail::queue_invitation;
