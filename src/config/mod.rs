//! TOML text to model, gathering all faults with line and caret; pure.
