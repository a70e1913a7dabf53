use proptest::prelude::*;

use super::*;

fn local(text: &str) -> i64 {
    text.parse::<jiff::civil::DateTime>()
        .unwrap()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .unwrap()
        .timestamp()
        .as_second()
}

fn times(expression: &str, after: &str, count: usize) -> Vec<String> {
    let crontab = Crontab::parse(expression).unwrap();
    let mut at = local(after);
    (0..count)
        .map(|_| {
            at = crontab.next_local(at).unwrap();
            let time = jiff::Timestamp::from_second(at).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
            time.strftime("%a %Y-%m-%d %H:%M").to_string()
        })
        .collect()
}

#[test]
fn weekdays_are_counted_as_people_count_them() {
    // 1 June 2026 is a Monday.
    for text in ["0 9 * * 1-5", "0 9 * * MON-FRI", "0 9 * * mon,tue,Wed,thu,friday"] {
        let days: Vec<_> =
            times(text, "2026-05-31T12:00", 6).iter().map(|t| t[..3].to_owned()).collect();
        assert_eq!(days, ["Mon", "Tue", "Wed", "Thu", "Fri", "Mon"], "{text}");
    }
    for text in ["0 9 * * 0", "0 9 * * 7", "0 9 * * SUN", "0 9 * * Sunday"] {
        assert_eq!(times(text, "2026-06-01T00:00", 1), ["Sun 2026-06-07 09:00"], "{text}");
    }
    for text in ["0 9 * * 6-7", "0 9 * * SAT-SUN", "0 9 * * 6,0"] {
        let days: Vec<_> =
            times(text, "2026-06-01T00:00", 3).iter().map(|t| t[..3].to_owned()).collect();
        assert_eq!(days, ["Sat", "Sun", "Sat"], "{text}");
    }
    assert_eq!(
        Crontab::parse("0 9 * * 0-7").unwrap().next_local(0),
        Crontab::parse("0 9 * * *").unwrap().next_local(0)
    );
}

#[test]
fn two_day_fields_mean_either() {
    let either = times("0 0 13 * FRI", "2026-06-01T00:00", 4);
    assert_eq!(
        either,
        [
            "Fri 2026-06-05 00:00",
            "Fri 2026-06-12 00:00",
            "Sat 2026-06-13 00:00",
            "Fri 2026-06-19 00:00"
        ]
    );
    // A field that begins with a star restricts, it does not add.
    let both = times("0 0 */2 * MON", "2026-06-01T12:00", 2);
    assert_eq!(both, ["Mon 2026-06-15 00:00", "Mon 2026-06-29 00:00"]);
    // February has no 31st, but it has Mondays.
    assert_eq!(times("0 0 31 2 MON", "2026-01-01T00:00", 1), ["Mon 2026-02-02 00:00"]);
}

#[test]
fn steps_lists_and_nicknames() {
    assert_eq!(
        times("5/20 8 * * *", "2026-06-01T00:00", 3).join(" "),
        "Mon 2026-06-01 08:05 Mon 2026-06-01 08:25 Mon 2026-06-01 08:45"
    );
    assert_eq!(
        times("*/5 8-18 * * MON-FRI", "2026-06-05T18:52", 2),
        ["Fri 2026-06-05 18:55", "Mon 2026-06-08 08:00"]
    );
    assert_eq!(times("@hourly", "2026-06-01T00:00", 1), ["Mon 2026-06-01 01:00"]);
    assert_eq!(times("@weekly", "2026-06-01T00:00", 1), ["Sun 2026-06-07 00:00"]);
    assert_eq!(times("0 0 29 2 *", "2026-06-01T00:00", 1), ["Tue 2028-02-29 00:00"]);
}

#[test]
fn faults_say_what_is_wrong() {
    let fault = |text: &str| Crontab::parse(text).unwrap_err().to_string();
    assert_eq!(fault("0 0 31 2 *"), "`0 0 31 2 *` never fires; no month it names has such a day");
    assert_eq!(
        fault("0 0 30 2,2 *"),
        "`0 0 30 2,2 *` never fires; no month it names has such a day"
    );
    assert_eq!(
        fault("* * * *"),
        "a cron expression has five fields, this has 4; minute, hour, day of the month, month, weekday"
    );
    assert_eq!(
        fault("0 * * * * *"),
        "a cron expression has five fields, this has 6; leave out the seconds and the year; for less than a minute use `every`"
    );
    assert_eq!(fault("60 * * * *"), "`60` is no minute; from 0 to 59");
    assert_eq!(fault("* 24 * * *"), "`24` is no hour; from 0 to 23");
    assert_eq!(fault("* * * * 8"), "`8` is no weekday; from 0 to 7");
    assert_eq!(
        fault("* * * * FRI-MON"),
        "the weekday range `FRI-MON` runs backwards; write two ranges: `5-6,0-1`"
    );
    assert_eq!(
        fault("* 22-2 * * *"),
        "the hour range `22-2` runs backwards; write two ranges: `22-23,0-2`"
    );
    assert_eq!(
        fault("*/90 * * * *"),
        "the step of `*/90` must be between 1 and 60, the minute field has no more"
    );
    assert_eq!(
        fault("*/0 * * * *"),
        "the step of `*/0` must be between 1 and 60, the minute field has no more"
    );
    assert_eq!(fault("*/x * * * *"), "the step of `*/x` is not a number");
    assert_eq!(
        fault("* * L * *"),
        "`L` is no day of the month; crontab knows `*`, numbers, names, ranges, lists and steps"
    );
    assert_eq!(fault("* * * * MOO"), "`MOO` is no weekday; did you mean `MON`?");
    assert_eq!(
        fault("@reboot"),
        "`@reboot` is no schedule; write five fields or one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually"
    );
    for text in [
        "",
        ",",
        "* * * * ,",
        "- - - - -",
        "1- * * * *",
        "99999999999 * * * *",
        "* * * * 1-5-7",
        "*5 * * * *",
    ] {
        assert!(Crontab::parse(text).is_err(), "{text}");
    }
}

proptest! {
    /// The crate's search agrees with trying every minute one after the other.
    #[test]
    fn the_next_time_is_the_first_that_matches(
        minutes in proptest::collection::btree_set(0_u32..60, 1..4),
        hours in proptest::collection::btree_set(0_u32..24, 1..4),
        days in proptest::option::of(proptest::collection::btree_set(1_u32..29, 1..4)),
        weekdays in proptest::option::of(proptest::collection::btree_set(0_u32..7, 1..3)),
        start in 1_700_000_000_i64..1_900_000_000,
    ) {
        let text = |set: &Option<std::collections::BTreeSet<u32>>| set.as_ref().map_or("*".to_owned(), |s| list(&s.iter().copied().collect::<Vec<_>>()));
        let joined = |set: &std::collections::BTreeSet<u32>| list(&set.iter().copied().collect::<Vec<_>>());
        let line = format!("{} {} {} * {}", joined(&minutes), joined(&hours), text(&days), text(&weekdays));
        let found = Crontab::parse(&line).unwrap().next_local(start).unwrap();
        let matches = |at: i64| {
            let time = jiff::Timestamp::from_second(at).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
            let by_day = days.as_ref().map(|d| d.contains(&u32::try_from(time.day()).unwrap()));
            let weekday = u32::try_from(time.weekday().to_sunday_zero_offset()).unwrap();
            let by_weekday = weekdays.as_ref().map(|d| d.contains(&weekday));
            minutes.contains(&u32::try_from(time.minute()).unwrap())
                && hours.contains(&u32::try_from(time.hour()).unwrap())
                && match (by_day, by_weekday) {
                    (Some(a), Some(b)) => a || b,
                    (a, b) => a.unwrap_or(true) && b.unwrap_or(true),
                }
        };
        let mut at = start - start.rem_euclid(60) + 60;
        while !matches(at) {
            at += 60;
        }
        prop_assert_eq!(found, at);
    }

    /// No text makes the reader panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[0-9a-zA-Z*/,@ -]{0,40}") {
        if let Ok(crontab) = Crontab::parse(&text) {
            prop_assert!(crontab.next_local(0).is_some());
        }
    }
}
