//! The real binary, run as a user runs it.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod certbot;
#[cfg(test)]
mod certs;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod ct;
#[cfg(test)]
mod ct_search;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod emergency;
#[cfg(test)]
mod export;
#[cfg(test)]
mod help;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod moto;
#[cfg(test)]
mod offline;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod renewals;
#[cfg(test)]
mod road;
mod rotate;
#[cfg(test)]
mod targets;
#[cfg(test)]
mod workshop;
