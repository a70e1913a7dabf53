//! Names and identifiers: newtypes, so that a journey's name is never taken for a step's.

use std::{borrow::Borrow, fmt, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name as it stands; what names may contain is checked where they enter.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from(text.as_ref()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// The name of a journey, unique among the journey files of an agent.
    JourneyName
);
name!(
    /// The name of a step, unique within its journey.
    StepName
);
name!(
    /// The name of a phase of a step, such as `processing`.
    PhaseName
);
name!(
    /// The name of something a step measures beside its time.
    MeasureName
);
name!(
    /// The name of an environment, such as `production`.
    EnvironmentName
);
name!(
    /// The name of a service that journeys touch and changes alter.
    ServiceName
);
name!(
    /// Where an agent stands, a label on every run.
    LocationName
);
name!(
    /// The id of a change, given by its sender or made by us.
    ChangeId
);
name!(
    /// The id of a finding.
    FindingId
);
name!(
    /// A short hash of a journey's meaning: an edited journey is another series, not a slower one.
    Revision
);

/// The id of a run: a UUID of version 7, so that ids sort by time (RFC 9562, section 5.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl RunId {
    /// A new id whose time part is `at`, in milliseconds; times before 1970 count as 1970.
    pub fn at(at: Timestamp) -> Self {
        let ms = at.as_millisecond().max(0).unsigned_abs();
        let stamp = uuid::Timestamp::from_unix_time(
            ms / 1000,
            u32::try_from(ms % 1000).unwrap_or(0) * 1_000_000,
            0,
            0,
        );
        Self(Uuid::new_v7(stamp))
    }

    /// The time part of the id, in milliseconds since 1970, if it is of version 7.
    pub fn timestamp_ms(&self) -> Option<u64> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        Some(seconds * 1000 + u64::from(nanos / 1_000_000))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::str::FromStr for RunId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// What makes one series of runs: the same journey in the same environment from the same location.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The journey walked.
    pub journey: JourneyName,
    /// Where it was walked.
    pub environment: EnvironmentName,
    /// From where it was walked.
    pub location: LocationName,
}
