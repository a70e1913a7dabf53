//! Does a response satisfy what was asked of it? Queries, predicates, captures; pure.
