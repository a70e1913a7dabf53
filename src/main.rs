//! The `wayfarer` command; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    wayfarer::cli::main()
}
