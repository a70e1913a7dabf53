//! Metric families: what they are called, and the series of each.

use std::collections::BTreeMap;

use prometheus::{
    Histogram, HistogramOpts,
    core::Metric as _,
    proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType},
};

/// A metric family as it is declared.
#[derive(Debug)]
pub(super) struct Family {
    /// Its name, with its unit at the end.
    pub(super) name: &'static str,
    /// What it is, for people.
    pub(super) help: &'static str,
    /// The names of its labels.
    pub(super) labels: &'static [&'static str],
    /// What sort of values it has.
    pub(super) kind: Kind,
}

/// What sort of values a family has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Up and down.
    Gauge,
    /// Only up.
    Counter,
    /// Counts below these bounds.
    Histogram(&'static [f64]),
}

/// One series.
#[derive(Debug)]
enum Series {
    Value(f64),
    Histogram(Histogram),
}

/// All series of all families.
#[derive(Debug, Default)]
pub(super) struct Families {
    families: BTreeMap<&'static str, (&'static Family, BTreeMap<Vec<String>, Series>)>,
}

impl Families {
    /// Sets a value.
    pub(super) fn set(&mut self, family: &'static Family, labels: &[&str], value: f64) {
        self.series(family).insert(owned(labels), Series::Value(value));
    }

    /// Adds to a value; 0 makes a series that has had nothing to count yet.
    pub(super) fn add(&mut self, family: &'static Family, labels: &[&str], by: f64) {
        match self.series(family).entry(owned(labels)).or_insert(Series::Value(0.0)) {
            Series::Value(value) => *value += by,
            Series::Histogram(_) => {}
        }
    }

    /// Counts a value in a histogram.
    pub(super) fn observe(&mut self, family: &'static Family, labels: &[&str], value: f64) {
        let Kind::Histogram(bounds) = family.kind else { return };
        let series = self.series(family);
        let key = owned(labels);
        if !series.contains_key(&key) {
            // The bounds were tried when the exporter was made.
            let Ok(histogram) = histogram(family.name, family.help, bounds) else { return };
            series.insert(key.clone(), Series::Histogram(histogram));
        }
        if let Some(Series::Histogram(histogram)) = series.get(&key) {
            histogram.observe(value);
        }
    }

    /// Removes the series whose label values `wanted` does not want.
    pub(super) fn retain(&mut self, family: &'static Family, wanted: impl Fn(&[String]) -> bool) {
        self.series(family).retain(|labels, _| wanted(labels));
    }

    /// Whether there is a series with such label values.
    pub(super) fn has(&self, family: &'static Family, such: impl Fn(&[String]) -> bool) -> bool {
        self.families.get(family.name).is_some_and(|(_, series)| series.keys().any(|l| such(l)))
    }

    /// How many series there are.
    pub(super) fn len(&self, family: &'static Family) -> usize {
        self.families.get(family.name).map_or(0, |(_, series)| series.len())
    }

    /// Everything as the encoder takes it, by name; families without series are left out.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        let some = self.families.values().filter(|(_, series)| !series.is_empty());
        some.map(|(family, series)| {
            let mut gathered = MetricFamily::default();
            gathered.set_name(family.name.to_owned());
            gathered.set_help(family.help.to_owned());
            gathered.set_field_type(match family.kind {
                Kind::Gauge => MetricType::GAUGE,
                Kind::Counter => MetricType::COUNTER,
                Kind::Histogram(_) => MetricType::HISTOGRAM,
            });
            gathered.set_metric(series.iter().map(|(l, s)| metric(family, l, s)).collect());
            gathered
        })
        .collect()
    }

    fn series(&mut self, family: &'static Family) -> &mut BTreeMap<Vec<String>, Series> {
        &mut self.families.entry(family.name).or_insert_with(|| (family, BTreeMap::new())).1
    }
}

/// An empty histogram.
pub(super) fn histogram(name: &str, help: &str, bounds: &[f64]) -> prometheus::Result<Histogram> {
    Histogram::with_opts(HistogramOpts::new(name, help).buckets(bounds.to_vec()))
}

fn owned(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|l| (*l).to_owned()).collect()
}

fn metric(family: &Family, labels: &[String], series: &Series) -> Metric {
    let mut metric = match (series, family.kind) {
        (Series::Histogram(histogram), _) => histogram.metric(),
        (Series::Value(value), Kind::Counter) => {
            let (mut metric, mut counter) = (Metric::default(), Counter::default());
            counter.set_value(*value);
            metric.set_counter(counter);
            metric
        }
        (Series::Value(value), _) => {
            let (mut metric, mut gauge) = (Metric::default(), Gauge::default());
            gauge.set_value(*value);
            metric.set_gauge(gauge);
            metric
        }
    };
    let pairs = family.labels.iter().zip(labels).map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value(value.clone());
        pair
    });
    metric.set_label(pairs.collect());
    metric
}
