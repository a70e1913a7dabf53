//! The examples in `journeys/` are good journeys, all of them.

use std::{fs, path::Path};

use wayfarer::config::{self, SourceFile};

/// The settings that the examples need: two environments of a shop.
const SETTINGS: &str = r#"
[environments.production]
base_url = "https://shop.example.com"
vars = { user = "probe@example.com" }
secrets = { password = { env = "SHOP_PASSWORD" } }

[environments.staging]
base_url = "https://staging.example.com"
vars = { user = "probe@example.com" }
secrets = { password = { file = "/run/secrets/staging" } }

[services.shop]
depends_on = ["auth", "payments"]
"#;

#[test]
fn every_example_is_a_good_journey() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys");
    let mut files: Vec<SourceFile> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| SourceFile::new(path.display().to_string(), fs::read_to_string(path).unwrap()))
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let main = SourceFile::new("wayfarer.toml", SETTINGS);
    let config = config::load(&main, &files).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.journeys.len(), files.len());
    assert!(config.journeys.len() >= 4);
}
