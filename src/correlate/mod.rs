//! Which change made which journey slower or less reliable? Pure functions of (data, now).
