//! The real binary, run as a user runs it.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod ct;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod export;
#[cfg(test)]
mod help;
mod keys;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod road;
#[cfg(test)]
mod workshop;
