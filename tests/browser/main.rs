//! Browser steps against real pages in a real Chromium: what a page does wrong is told, what takes time is the page's, and cookies go both ways.
//!
//! Where there is no chromedriver these tests say so and pass. One browser at a time: two cores drive no more of them at their pace.
#![expect(clippy::unwrap_used, reason = "what a test builds must be there")]
#![expect(clippy::disallowed_methods, reason = "tests wait for what they cannot be told of")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod acts;
mod environment;
mod evidence;
mod faults;
mod life;
mod mixed;
mod queries;
mod stage;
mod timing;
mod waits;

#[path = "../http_engine/authority.rs"]
#[expect(dead_code, reason = "it can more than is needed here")]
mod authority;
#[path = "../http_engine/site.rs"]
#[expect(dead_code, reason = "it can more than is needed here")]
mod site;
