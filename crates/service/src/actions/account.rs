//! Accounts of people: how one comes to have one, signs in, and keeps it.

mod change_address;
mod code;
mod confirm;
mod delete_account;
mod identities;
mod make_link;
mod read_account;
mod request_mail;
mod second_factor;
mod send_mail;
mod sessions;
mod set_password;
mod sign_in;
mod sso;
mod totp;

pub use make_link::LinkKind;
pub(super) use request_mail::queue_invitation;
