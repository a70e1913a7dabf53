//! What a whole is made of over time: columns stacked of their parts.

use super::{Rect, Window, short};
use jiff::Timestamp;

/// One column.
#[derive(Debug)]
pub struct Stack {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
    /// How large each part is, in the order of their classes.
    pub parts: Vec<f64>,
}

/// The rectangles of columns whose parts look like `classes`, bottom first; `top` is at the upper edge.
pub fn stack(
    window: &Window,
    columns: &[Stack],
    classes: &[String],
    (top, height): (f64, u32),
) -> Vec<Rect> {
    let height = f64::from(height);
    let mut boxes = Vec::new();
    for column in columns {
        let left = window.place(column.from).max(0.0);
        let right = window.place(column.to).min(100.0);
        // A hair between two columns.
        let width = (right - left - 0.12).max(0.1);
        let mut below = 0.0;
        for (value, class) in column.parts.iter().zip(classes) {
            let tall = height * (value / top.max(1e-9)).clamp(0.0, 1.0);
            if tall < 0.2 {
                below += tall;
                continue;
            }
            boxes.push(Rect {
                class: class.clone(),
                x: short(left),
                w: short(width),
                y: short(height - below - tall),
                h: short(tall),
            });
            below += tall;
        }
    }
    boxes
}
