//! The JSON that the Recorder of Chrome's developer tools exports (as `@puppeteer/replay` describes it).

use serde::Deserialize;
use serde_json::Value;

/// A whole export.
#[derive(Debug, Deserialize)]
pub(super) struct Recording {
    pub(super) title: Option<String>,
    pub(super) steps: Vec<Value>,
}

/// One step: which keys it has is up to its type.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Recorded {
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// `main`, or the address of another window or frame.
    pub(super) target: Option<String>,
    /// The way to a frame: the number of the frame on each level.
    pub(super) frame: Option<Vec<u32>>,
    /// Alternatives, each a text or the way through its ancestors.
    pub(super) selectors: Vec<Value>,
    pub(super) url: Option<String>,
    pub(super) value: Option<String>,
    pub(super) key: Option<String>,
    pub(super) button: Option<String>,
    pub(super) width: Option<f64>,
    pub(super) height: Option<f64>,
    pub(super) device_scale_factor: Option<f64>,
    pub(super) is_mobile: bool,
    pub(super) download: Option<f64>,
    pub(super) upload: Option<f64>,
    pub(super) latency: Option<f64>,
    pub(super) expression: Option<String>,
    pub(super) operator: Option<String>,
    pub(super) count: Option<u32>,
    pub(super) visible: Option<bool>,
    /// In milliseconds.
    pub(super) timeout: Option<f64>,
    pub(super) name: Option<String>,
    pub(super) asserted_events: Vec<Event>,
}

/// What came of a step.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) url: Option<String>,
    pub(super) title: Option<String>,
}

impl Recorded {
    /// The page that came of it.
    pub(super) fn navigation(&self) -> Option<&Event> {
        self.asserted_events.iter().rev().find(|event| event.kind == "navigation")
    }

    /// Whether it happened in another window than the first, or in a frame of another site.
    pub(super) fn elsewhere(&self) -> bool {
        self.target.as_deref().is_some_and(|target| target != "main")
    }
}
