//! The command line as scripts use it: the real program, real processes, real sockets.

#[cfg(test)]
mod acts;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod packaging;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod program;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod website;
