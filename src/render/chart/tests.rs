use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

fn spread(second: i64, values: Option<[f64; 3]>) -> Spread {
    Spread { at: at(second), half_s: 5.0, values }
}

#[test]
fn a_line_is_broken_where_nothing_is_known() {
    let window = Window { from: at(0), to: at(100) };
    let all = [
        spread(5, Some([10.0, 20.0, 30.0])),
        spread(15, Some([10.0, 20.0, 30.0])),
        spread(25, None),
        spread(35, Some([10.0, 20.0, 30.0])),
        spread(75, Some([10.0, 20.0, 30.0])),
        spread(85, Some([10.0, 20.0, 40.0])),
    ];
    assert_eq!(stretches(&all).iter().map(|s| s.len()).collect::<Vec<_>>(), [2, 1, 2]);
    let shapes = quantile_band(&window, &all, (40.0, 100), ("band", "line"));
    assert_eq!(shapes[1].d, "M50 50L150 50M300 50H400M750 50L850 50");
    assert!(quantile_band(&window, &[], (40.0, 100), ("band", "line")).is_empty());
}

#[test]
fn labels_are_round() {
    for (most, top, labels) in [
        (97.0, 100.0, vec!["0", "50 ms", "100 ms"]),
        (1300.0, 1500.0, vec!["0", "500 ms", "1 s", "1.5 s"]),
        (0.3, 0.3, vec!["0", "0.1 ms", "0.2 ms", "0.3 ms"]),
        (f64::NAN, 1.0, vec!["0", "0.5 ms", "1 ms"]),
    ] {
        let (found, ticks) = y_axis(most, 100);
        assert!((found - top).abs() < 1e-9, "{most}: {found}");
        assert_eq!(ticks.iter().map(|t| t.label.as_str()).collect::<Vec<_>>(), labels, "{most}");
    }
}

#[test]
fn times_are_labelled_at_round_ones() {
    for (length, step) in [(60, 15), (3600, 900), (86_400, 21_600), (7 * 86_400, 172_800)] {
        let ticks = Window { from: at(7), to: at(7 + length) }.ticks();
        assert!((3..=7).contains(&ticks.len()), "{length}: {ticks:?}");
        for tick in &ticks {
            let time: Timestamp = tick.at.parse().unwrap();
            assert_eq!(time.as_second() % step, 0, "{length}");
        }
    }
    assert!(Window { from: at(0), to: at(0) }.ticks().is_empty());
}
