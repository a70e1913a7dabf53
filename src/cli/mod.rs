//! The command: arguments, exit codes, tables; the only reader of environment variables.

pub mod init;
