//! Small statistics that a few wild values do not move. NaN stands for a missing value throughout the numeric core.

/// Ratio of a normal standard deviation to the median absolute deviation.
const MAD: f64 = 1.4826;

/// The values that are there.
pub(super) fn present(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|v| v.is_finite()).collect()
}

/// Sorts values; there is no NaN among them.
pub(super) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The median of the values that are there; NaN of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let middle = super::figures::middle(&mut present(values));
    middle.map_or(f64::NAN, |(low, high)| low + (high - low) * 0.5)
}

/// A quantile of sorted values by linear interpolation (type 7 of Hyndman and Fan 1996); NaN of none.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share * last as f64;
    let low = (place.floor() as usize).min(last);
    let high = (low + 1).min(last);
    sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64)
}

/// Standard deviation by the median absolute deviation about `centre`.
pub(super) fn spread(values: &[f64], centre: f64) -> f64 {
    MAD * median(&values.iter().map(|v| (v - centre).abs()).collect::<Vec<_>>())
}

/// Mean and population variance.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n)
}

/// Correlation of each value with the one before; 0.3, the usual one of probes, of fewer than 8 values.
pub(super) fn autocorrelation(values: &[f64]) -> f64 {
    if values.len() < 8 {
        return 0.3;
    }
    let (late, early) = (&values[1..], &values[..values.len() - 1]);
    let ((ml, vl), (me, ve)) = (moments(late), moments(early));
    let scale = (vl * ve).sqrt();
    if scale > 0.0 {
        let products = late.iter().zip(early).map(|(a, b)| (a - ml) * (b - me));
        products.sum::<f64>() / late.len() as f64 / scale
    } else {
        0.0
    }
}

/// Running sums: of the values that are there, and of how many they are; entry `i` covers the first `i` values.
pub(super) fn running(values: impl IntoIterator<Item = f64>) -> (Vec<f64>, Vec<f64>) {
    let (mut sums, mut counts) = (vec![0.0], vec![0.0]);
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        if value.is_finite() {
            sum += value;
            count += 1.0;
        }
        sums.push(sum);
        counts.push(count);
    }
    (sums, counts)
}

/// A running level: the mean of `width` (odd) values, after pulling values in to two robust standard deviations about a
/// first such level. One entry for each full window; NaN where fewer than a third of its values are there.
pub(super) fn running_level(values: &[f64], width: usize) -> Vec<f64> {
    let centre = median(values);
    if values.len() < width || !centre.is_finite() {
        return vec![f64::NAN; (values.len() + 1).saturating_sub(width)];
    }
    let bound = 4.0 * (spread(values, centre) + 1e-9);
    let mut pulled: Vec<f64> =
        values.iter().map(|v| v.clamp(centre - bound, centre + bound)).collect();
    let mut level = Vec::new();
    let mut counts = Vec::new();
    for _ in 0..2 {
        let (sums, seen) = running(pulled.iter().copied());
        level = (width..sums.len())
            .map(|i| (sums[i] - sums[i - width]) / (seen[i] - seen[i - width]).max(1.0))
            .collect();
        let wide = widened(&level, values.len());
        let residuals: Vec<f64> = values.iter().zip(&wide).map(|(v, w)| v - w).collect();
        let bound = 2.0 * (spread(&residuals, 0.0) + 1e-9);
        pulled = residuals.iter().zip(&wide).map(|(r, w)| w + r.clamp(-bound, bound)).collect();
        counts = seen;
    }
    let enough = (width / 3) as f64;
    for (i, value) in level.iter_mut().enumerate() {
        if counts[i + width] - counts[i] < enough {
            *value = f64::NAN;
        }
    }
    level
}

/// A running level drawn out to both ends of the values it was made of.
pub(super) fn widened(level: &[f64], len: usize) -> Vec<f64> {
    let (Some(first), Some(last)) = (level.first(), level.last()) else {
        return vec![f64::NAN; len];
    };
    let ahead = (len - level.len().min(len)) / 2;
    (0..len)
        .map(|i| match i.checked_sub(ahead) {
            None => *first,
            Some(j) => *level.get(j).unwrap_or(last),
        })
        .collect()
}

/// `ln(e^a + e^b)`.
pub(super) fn ln_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY {
        return high;
    }
    high + (1.0 + (low - high).exp()).ln()
}

/// `ln` of the sum of `e^v` over `values`, which may be gone over twice.
pub(super) fn ln_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let high = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if high == f64::NEG_INFINITY {
        return high;
    }
    high + values.map(|v| (v - high).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quantiles_of_few_values() {
        assert!(median(&[]).is_nan());
        assert!(median(&[f64::NAN]).is_nan());
        assert_eq!(median(&[3.0, f64::NAN, 1.0]), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.25), 2.0);
        assert_eq!(quantile(&[1.0, 2.0], 0.9), 1.9);
        assert_eq!(quantile(&[7.0], 0.95), 7.0);
    }

    #[test]
    fn a_running_level_shrugs_at_a_spike_and_at_holes() {
        let mut values = vec![1.0; 60];
        values[30] = 100.0;
        values[31] = f64::NAN;
        let level = running_level(&values, 11);
        assert_eq!(level.len(), 50);
        assert!(level.iter().all(|v| (v - 1.0).abs() < 1e-6), "{level:?}");
        assert_eq!(running_level(&[1.0; 5], 11).len(), 0);
        assert!(running_level(&[f64::NAN; 20], 11).iter().all(|v| v.is_nan()));
    }

    #[test]
    fn autocorrelation_of_known_series() {
        assert_eq!(autocorrelation(&[1.0; 5]), 0.3);
        assert_eq!(autocorrelation(&[1.0; 50]), 0.0);
        let alternating: Vec<f64> = (0..50).map(|i| f64::from(i % 2)).collect();
        assert!((autocorrelation(&alternating) + 1.0).abs() < 1e-9);
    }

    #[test]
    fn logarithms_add() {
        assert!((ln_add(2_f64.ln(), 3_f64.ln()) - 5_f64.ln()).abs() < 1e-12);
        assert_eq!(ln_add(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert_eq!(ln_add(f64::NEG_INFINITY, 1.0), 1.0);
        assert!((ln_sum([2_f64.ln(), 3_f64.ln()].into_iter()) - 5_f64.ln()).abs() < 1e-12);
        assert_eq!(ln_sum(std::iter::empty()), f64::NEG_INFINITY);
    }
}
