//! When a real browser has drawn the largest part of a page: <https://www.w3.org/TR/largest-contentful-paint/>.

use crate::{
    browser::Browser,
    house::House,
    times::{miss, pages, shown},
};

/// Visits of each page, with nothing kept of the ones before.
const VISITS: usize = 7;
/// Latest time, in ms.
const DRAWN_MS: f64 = 500.0;

const PAINTED: &str = "const done = arguments[arguments.length - 1]; let at = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((e) => { at = Math.max(at, e.startTime); }))
      .observe({ type: 'largest-contentful-paint', buffered: true });
    const left = performance.getEntriesByType('navigation')[0];
    const asked = performance.getEntriesByType('resource').reduce((sum, r) => sum + r.encodedBodySize, left.encodedBodySize);
    setTimeout(() => done([at, left.responseEnd, asked]), 250);";

pub(crate) async fn drawn(house: &House) {
    let Some(browser) = Browser::new().await else { return };
    browser.as_wide(1280, false).await;
    browser.cdp("Network.setCacheDisabled", serde_json::json!({ "cacheDisabled": true })).await;
    println!(
        "\n{:<62} {:>9} {:>9} {:>9}",
        "largest contentful paint in Chromium", "median", "longest", "kB"
    );
    for path in pages(house).await {
        let (mut times, mut bytes) = (Vec::new(), 0.0);
        for _ in 0..VISITS {
            browser.client.goto(&format!("http://{}{path}", house.address)).await.expect("a page");
            let told = browser.client.execute_async(PAINTED, Vec::new()).await.expect("figures");
            times.push(told[0].as_f64().expect("a time"));
            bytes = told[2].as_f64().expect("a size");
        }
        times.sort_by(f64::total_cmp);
        let (median, longest) = (times[VISITS / 2], times[VISITS - 1]);
        println!(
            "{:<62} {median:>6.0} ms {longest:>6.0} ms {:>9.1}{}",
            shown(&path),
            bytes / 1000.0,
            miss(median > DRAWN_MS || bytes > 200_000.0)
        );
    }
}
