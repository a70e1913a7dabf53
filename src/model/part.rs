//! Parts of a journey: what of it is meant when its time is spoken of, and how long each part of a run took.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{MeasureName, PhaseName, StepName};

/// What of a journey is meant. The order is that in which parts are shown: the whole, then step by step.
///
/// As JSON an object with `step` and, where it is one, `phase` or `measure`; the whole journey is an empty object, and is left
/// out where it stands in another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "Names", try_from = "Names")]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// A step, from its first byte asked to its last byte read.
    Step(StepName),
    /// A phase of a step, over all its hops.
    Phase(StepName, PhaseName),
    /// A number that a step measured.
    Measure(StepName, MeasureName),
}

impl Part {
    /// Whether the whole journey is meant.
    pub fn is_whole(&self) -> bool {
        *self == Self::Whole
    }

    /// The step it is of, where it is not the whole.
    pub fn step(&self) -> Option<&StepName> {
        match self {
            Self::Whole => None,
            Self::Step(step) | Self::Phase(step, _) | Self::Measure(step, _) => Some(step),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("the journey"),
            Self::Step(step) => write!(f, "step `{step}`"),
            Self::Phase(step, phase) => write!(f, "{phase} of step `{step}`"),
            Self::Measure(step, measure) => write!(f, "`{measure}` of step `{step}`"),
        }
    }
}

/// A part as JSON has it.
#[derive(Serialize, Deserialize)]
struct Names {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<StepName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phase: Option<PhaseName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    measure: Option<MeasureName>,
}

impl From<Part> for Names {
    fn from(part: Part) -> Self {
        let (step, phase, measure) = match part {
            Part::Whole => (None, None, None),
            Part::Step(step) => (Some(step), None, None),
            Part::Phase(step, phase) => (Some(step), Some(phase), None),
            Part::Measure(step, measure) => (Some(step), None, Some(measure)),
        };
        Self { step, phase, measure }
    }
}

impl TryFrom<Names> for Part {
    type Error = &'static str;

    fn try_from(names: Names) -> Result<Self, Self::Error> {
        match (names.step, names.phase, names.measure) {
            (None, None, None) => Ok(Self::Whole),
            (Some(step), None, None) => Ok(Self::Step(step)),
            (Some(step), Some(phase), None) => Ok(Self::Phase(step, phase)),
            (Some(step), None, Some(measure)) => Ok(Self::Measure(step, measure)),
            _ => Err("a part is a step, a phase of a step or a measure of a step"),
        }
    }
}

/// How long the parts of one run took, in milliseconds (measures: in their own unit). Compact, as a room holds millions: eight
/// bytes where nothing is known; otherwise four bytes a part, and names that runs of one shape share.
#[derive(Clone, Default)]
pub struct Parts(Option<Box<Known>>);

#[derive(Clone)]
struct Known {
    layout: Arc<[Part]>,
    values: Box<[f32]>,
}

impl Parts {
    /// The values of these parts, in their order; none of both where the numbers differ. A time that is no positive number
    /// is none: what did not happen took no time. A measure may be any finite number.
    pub fn new(layout: Arc<[Part]>, values: &[f32]) -> Self {
        let usable = |part: &Part, value: f32| {
            value.is_finite() && (value > 0.0 || matches!(part, Part::Measure(..)))
        };
        if values.len() != layout.len() || values.is_empty() {
            return Self::default();
        }
        if layout.iter().zip(values).all(|(part, v)| usable(part, *v)) {
            return Self(Some(Box::new(Known { layout, values: values.into() })));
        }
        let kept = layout.iter().zip(values).filter(|(part, v)| usable(part, **v));
        let (parts, values): (Vec<Part>, Vec<f32>) = kept.map(|(p, v)| (p.clone(), *v)).unzip();
        if parts.is_empty() {
            return Self::default();
        }
        Self(Some(Box::new(Known { layout: parts.into(), values: values.into() })))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The parts that are known, in the order of [`Parts::values`]. Runs of one shape may share it.
    pub fn layout(&self) -> Option<&Arc<[Part]>> {
        self.0.as_ref().map(|known| &known.layout)
    }

    /// The values, in the order of the layout.
    pub fn values(&self) -> &[f32] {
        self.0.as_ref().map_or(&[], |known| &known.values)
    }

    /// Parts with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&Part, f64)> {
        let layout: &[Part] = self.0.as_ref().map_or(&[], |known| &known.layout);
        layout.iter().zip(self.values()).map(|(part, value)| (part, f64::from(*value)))
    }

    /// The value of a part, where it is known.
    pub fn get(&self, part: &Part) -> Option<f64> {
        self.iter().find(|(known, _)| *known == part).map(|(_, value)| value)
    }

    /// Shares the names of another run's parts, where they are the same.
    pub fn share(&mut self, other: &Self) {
        if let (Some(own), Some(theirs)) = (&mut self.0, &other.0)
            && !Arc::ptr_eq(&own.layout, &theirs.layout)
            && own.layout == theirs.layout
        {
            own.layout = Arc::clone(&theirs.layout);
        }
    }
}

impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        self.values() == other.values()
            && self.layout().map(AsRef::as_ref) == other.layout().map(AsRef::as_ref)
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl FromIterator<(Part, f64)> for Parts {
    fn from_iter<I: IntoIterator<Item = (Part, f64)>>(parts: I) -> Self {
        let (parts, values): (Vec<Part>, Vec<f32>) =
            parts.into_iter().map(|(part, value)| (part, narrow(value))).unzip();
        Self::new(parts.into(), &values)
    }
}

/// Seven digits are more than any clock has. A number beyond what they can hold is the largest they can.
#[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
pub fn narrow(value: f64) -> f32 {
    let widest = f64::from(f32::MAX);
    if value.is_finite() { value.clamp(-widest, widest) as f32 } else { f32::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_an_object_of_names() {
        let (step, phase) = (StepName::new("sign in"), PhaseName::new("processing"));
        for (part, json, text) in [
            (Part::Whole, "{}", "the journey"),
            (Part::Step(step.clone()), r#"{"step":"sign in"}"#, "step `sign in`"),
            (
                Part::Phase(step.clone(), phase),
                r#"{"step":"sign in","phase":"processing"}"#,
                "processing of step `sign in`",
            ),
            (
                Part::Measure(step, "lcp".into()),
                r#"{"step":"sign in","measure":"lcp"}"#,
                "`lcp` of step `sign in`",
            ),
        ] {
            assert_eq!(serde_json::to_string(&part).unwrap(), json);
            assert_eq!(serde_json::from_str::<Part>(json).unwrap(), part);
            assert_eq!(part.to_string(), text);
        }
        assert!(serde_json::from_str::<Part>(r#"{"phase":"tls"}"#).is_err());
    }

    #[test]
    fn what_took_no_time_is_not_known_and_names_are_shared() {
        let step = |name: &str| Part::Step(name.into());
        let parts = |b: f64| -> Parts { [(step("a"), 3.0), (step("b"), b)].into_iter().collect() };
        assert_eq!(parts(0.0).iter().collect::<Vec<_>>(), [(&step("a"), 3.0)]);
        assert_eq!(parts(f64::NAN), parts(-1.0));
        assert!([(step("a"), 0.0)].into_iter().collect::<Parts>().is_empty());
        let measure = Part::Measure("a".into(), "price".into());
        let measured: Parts = [(step("a"), 0.0), (measure.clone(), 0.0)].into_iter().collect();
        assert_eq!(measured.iter().collect::<Vec<_>>(), [(&measure, 0.0)]);
        let of = |value| [(measure.clone(), value)].into_iter().collect::<Parts>();
        assert_eq!((of(-2.5).get(&measure), of(f64::NAN).is_empty()), (Some(-2.5), true));
        assert_eq!(of(1e300).get(&measure), Some(f64::from(f32::MAX)));
        let (first, mut second) = (parts(1.0), parts(2.0));
        second.share(&first);
        assert!(Arc::ptr_eq(first.layout().unwrap(), second.layout().unwrap()));
        assert_eq!((second.get(&step("b")), second.get(&Part::Whole)), (Some(2.0), None));
    }
}
