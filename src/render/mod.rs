//! Values to text: templates, waterfalls, tables; pure.
