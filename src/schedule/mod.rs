//! When a journey is due; pure, the only user of `cron`.
