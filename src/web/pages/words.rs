//! Words and links that every page uses: those of `render::words`.

pub(in crate::web) use crate::render::words::*;
