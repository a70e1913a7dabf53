use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::model::{Phases, RunId, Timing};

fn exchange(step: &str, status: u16, body: &str) -> Exchange {
    let ms = Duration::from_millis;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Exchange {
        step: Some(step.into()),
        request_line: format!("GET https://shop.example.com/{step}"),
        request_headers: vec![header("accept", "*/*"), header("user-agent", "Wayfarer/0.1.0")],
        status: Some(status),
        version: Some("HTTP/1.1".to_owned()),
        response_headers: vec![
            header("content-type", if status == 200 { "application/json" } else { "text/html" }),
            header("date", &format!("Sat, 21 Nov 2026 08:00:0{} GMT", status % 7)),
        ],
        response_body: Some(body.to_owned()),
        timing: Some(Timing {
            offset: ms(5),
            duration: ms(u64::from(status)),
            phases: Phases {
                connect: ms(1),
                processing: ms(u64::from(status) - 1),
                ..Phases::default()
            },
        }),
        ..Exchange::default()
    }
}

fn witness(second: i64, exchanges: Vec<Exchange>) -> Witness {
    let at = Timestamp::from_second(1_800_000_000 + second).unwrap();
    let evidence = Evidence { exchanges, ..Evidence::default() };
    Witness { run: RunId(uuid::Uuid::nil()), started_at: at, evidence }
}

fn failed() -> Witness {
    let body = "{\"items\":[1,2,3,4,5,6,7,8,9],\"total\":\"0.00\",\"error\":\"no price\"}";
    witness(10, vec![exchange("home", 200, "welcome"), exchange("cart", 500, body)])
}

fn good() -> Witness {
    let body = "{\"items\":[1,2,3,4,5,6,7,8,9],\"total\":\"12.00\"}";
    witness(0, vec![exchange("home", 200, "hello"), exchange("cart", 200, body)])
}

fn draw(good: Option<&Witness>, width: usize) -> String {
    side_by_side(&failed(), good, Layout { width, colour: false })
}

#[test]
fn one_below_the_other() {
    insta::assert_snapshot!(draw(Some(&good()), 80), @r##"
this run:  00000000-0000-0000-0000-000000000000 at 2027-01-15 08:00:10Z
last good: 00000000-0000-0000-0000-000000000000 at 2027-01-15 08:00:00Z
now≠ / good≠: where they differ; ~ differs each time; the rest is the same
home: GET https://shop.example.com/home
  ≠ 200 in 200 ms; good: 200 in 200 ms; differs: what came

cart
  sent
      GET https://shop.example.com/cart
      accept: */*
      user-agent: Wayfarer/0.1.0
  got
 now≠ status 500 (HTTP/1.1)
good≠ status 200 (HTTP/1.1)
 now≠ content-type: text/html
good≠ content-type: application/json
 now~ date: Sat, 21 Nov 2026 08:00:03 GMT
good~ date: Sat, 21 Nov 2026 08:00:04 GMT

      … 10 lines the same
          9
        ],
 now≠   "total": "0.00",
good≠   "total": "12.00"
 now≠   "error": "no price"
      }
 now~ time 500 ms: connect 1.0 ms, processing 499 ms
good~ time 200 ms: connect 1.0 ms, processing 199 ms
"##);
}

#[test]
fn beside_each_other() {
    insta::assert_snapshot!(draw(Some(&good()), 120), @r##"
this run:  00000000-0000-0000-0000-000000000000 at 2027-01-15 08:00:10Z
last good: 00000000-0000-0000-0000-000000000000 at 2027-01-15 08:00:00Z
≠ differs, < only this run, > only the last good run, ~ differs each time
home: GET https://shop.example.com/home
  ≠ 200 in 200 ms; good: 200 in 200 ms; differs: what came

cart
  sent, this run                                               sent, last good run
  GET https://shop.example.com/cart                            GET https://shop.example.com/cart
  accept: */*                                                  accept: */*
  user-agent: Wayfarer/0.1.0                                   user-agent: Wayfarer/0.1.0
  got, this run                                                got, last good run
  status 500 (HTTP/1.1)                                     ≠  status 200 (HTTP/1.1)
  content-type: text/html                                   ≠  content-type: application/json
  date: Sat, 21 Nov 2026 08:00:03 GMT                       ~  date: Sat, 21 Nov 2026 08:00:04 GMT

  … 10 lines the same                                          … 10 lines the same
      9                                                            9
    ],                                                           ],
    "total": "0.00",                                        ≠    "total": "12.00"
    "error": "no price"                                     <
  }                                                            }
  time 500 ms: connect 1.0 ms, processing 499 ms            ~  time 200 ms: connect 1.0 ms, processing 199 ms
"##);
}

#[test]
fn without_a_good_run() {
    insta::assert_snapshot!(draw(None, 80), @r##"
this run:  00000000-0000-0000-0000-000000000000 at 2027-01-15 08:00:10Z
last good: no good run's exchanges are kept
home: GET https://shop.example.com/home
    200 in 200 ms

cart
  sent
    GET https://shop.example.com/cart
    accept: */*
    user-agent: Wayfarer/0.1.0
  got
    status 500 (HTTP/1.1)
    content-type: text/html
    date: Sat, 21 Nov 2026 08:00:03 GMT

    {
      "items": [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9
      ],
      "total": "0.00",
      "error": "no price"
    }
    time 500 ms: connect 1.0 ms, processing 499 ms
"##);
}

#[test]
fn a_difference_far_out_is_in_sight() {
    let now = format!("x: {}A{}", "a".repeat(100), "b".repeat(20));
    let good = format!("x: {}B{}", "a".repeat(100), "b".repeat(20));
    let text = shown(&now, Some(&good), 40);
    assert!(text.starts_with('…') && text.contains('A') && text.chars().count() <= 40, "{text}");
    assert_eq!(shown(&now, None, 10), "x: aaaaaa…");
}

proptest! {
    #[test]
    fn hostile_texts_stay_within_the_columns(
        one in "[\\PC\u{0}-\u{1f}\u{202e}]{0,300}", two in "[a-z\n{}\":]{0,300}", width in 0_usize..200,
    ) {
        let (mut now, mut good) = (failed(), good());
        now.evidence.exchanges[1].response_body = Some(one.clone());
        good.evidence.exchanges[1].response_body = Some(two);
        now.evidence.exchanges[1].response_headers.push(("x-odd".to_owned(), one));
        let text = side_by_side(&now, Some(&good), Layout { width, colour: false });
        let most = width.max(60);
        // The lines of who and what are never longer than 80.
        prop_assert!(text.lines().skip(5).all(|line| line.chars().count() <= most.max(80)), "{text}");
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        prop_assert!(!text.contains(steers));
    }
}
