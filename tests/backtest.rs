use std::path::Path;
#[test]
fn show() {
    let Ok(dir) = std::env::var("BT") else { return };
    let t = std::time::Instant::now();
    let json = std::env::var("BTJSON").is_ok();
    let text = wayfarer::cli::backtest::run(Path::new(&dir), json, &[]).unwrap();
    if json {
        std::fs::write("/tmp/bt.json", &text).unwrap();
    } else {
        println!("{text}");
    }
    println!("{:?}", t.elapsed());
}
