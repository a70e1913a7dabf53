//! Our own event, for machines: the body of webhooks and what a command reads.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Words, WordsFault};
use crate::model::{Notice, Parcel};

/// The type of news of a change.
pub const CHANGE: &str = "change.updated";

/// The type of a notice.
pub fn kind_of(notice: &Notice) -> String {
    format!("incident.{}", notice.happening.as_str())
}

/// The type of what is told: `incident.opened`, `change.updated`.
pub fn kind(parcel: &Parcel) -> String {
    match parcel {
        Parcel::Notice(notice) => kind_of(notice),
        Parcel::ChangeNews(_) => CHANGE.to_owned(),
        Parcel::Rollback(_) => "rollback.ordered".to_owned(),
        Parcel::Status(_) => "status.reported".to_owned(),
    }
}

/// `{"type", "timestamp", "data"}` as Standard Webhooks recommends it.
///
/// # Errors
/// Words that do not fit the notice.
pub fn body(parcel: &Parcel, words: &Words) -> Result<Value, WordsFault> {
    Ok(json!({ "type": kind(parcel), "timestamp": at(parcel), "data": data(parcel, words)? }))
}

/// When it was thought of.
pub fn at(parcel: &Parcel) -> Timestamp {
    match parcel {
        Parcel::Notice(notice) => notice.at,
        Parcel::ChangeNews(news) => news.at,
        Parcel::Rollback(order) => order.at,
        Parcel::Status(report) => report.at,
    }
}

/// Everything known of it.
///
/// # Errors
/// Words that do not fit the notice.
pub fn data(parcel: &Parcel, words: &Words) -> Result<Value, WordsFault> {
    match parcel {
        Parcel::Notice(notice) => notice_data(notice, words),
        Parcel::ChangeNews(news) => Ok(json!(news)),
        Parcel::Rollback(order) => Ok(json!(order)),
        Parcel::Status(report) => Ok(json!(report)),
    }
}

fn notice_data(notice: &Notice, words: &Words) -> Result<Value, WordsFault> {
    let mut data = json!(notice);
    data["severity"] = json!(notice.gravity.severity());
    data["status"] = json!(if notice.firing { "firing" } else { "resolved" });
    data["title"] = json!(words.title(notice)?);
    data["text"] = json!(words.text(notice)?);
    Ok(data)
}
