//! A file of one's own: 64,000 customers without an id, a three-arm e-mail test (Hillstrom 2008).

use std::path::PathBuf;

use steward_capabilities::experiments::*;
use steward_definitions::*;

use crate::shop::*;

fn file() -> Option<PathBuf> {
    let folder = std::env::var_os("STEWARD_SHARED_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    Some(folder.join("hillstrom.csv")).filter(|f| f.exists())
}

#[tokio::test]
async fn the_lifts_of_visits_are_the_published_ones() {
    let Some(file) = file() else {
        eprintln!("SKIPPED: hillstrom.csv is not there (STEWARD_SHARED_DATA)");
        return;
    };
    let columns = [
        ("recency", "integer"),
        ("history_segment", "string"),
        ("history", "number"),
        ("mens", "integer"),
        ("womens", "integer"),
        ("zip_code", "string"),
        ("newbie", "integer"),
        ("channel", "string"),
        ("segment", "string"),
        ("visit", "integer"),
        ("conversion", "integer"),
        ("spend", "number"),
    ];
    let mut p = Project::default();
    p.settings.time_zone = "UTC".into();
    let mut d = dataset("hillstrom", &columns);
    d.location.path = file.to_string_lossy().into_owned();
    p.datasets.insert("hillstrom".into(), d);
    let m = model(
        "hillstrom",
        None,
        vec![],
        vec![dimension("channel", None)],
        vec![
            measure("visits", Aggregation::Sum, "visit"),
            measure("spend", Aggregation::Sum, "spend"),
        ],
    );
    p.semantic_models.insert("hillstrom".into(), m);
    let mut visit = simple("visit", "visits");
    visit.experiment.binary = true;
    p.metrics.insert("visit".into(), visit);
    p.metrics.insert("spend".into(), simple("spend", "spend"));
    let experiment = Experiment {
        meta: meta("email", "experiment"),
        exposures: Exposures {
            dataset: "hillstrom".into(),
            unit: "*".into(),
            variant: "segment".into(),
            ..Exposures::default()
        },
        variants: vec![
            arm("No E-Mail", true),
            arm("Womens E-Mail", false),
            arm("Mens E-Mail", false),
        ],
        primary: vec!["visit".into()],
        secondary: vec!["spend".into()],
        breakdowns: vec!["channel".into()],
        alpha: 0.05,
        correction: "holm".into(),
        ..Experiment::default()
    };
    p.experiments.insert("email".into(), experiment);
    let ground = Ground::over(tempfile::tempdir().unwrap(), p).await;
    let readout = readout(&ground.context, "email", &ReadoutOptions::default())
        .await
        .unwrap();
    assert_eq!(readout.health.units, 64_000);
    assert!(!readout.health.srm.broken);
    assert_eq!(readout.status, ExperimentStatus::Ended);
    for (variant, point, se) in [("Womens E-Mail", 4.52, 0.32), ("Mens E-Mail", 7.66, 0.34)] {
        let m = readout
            .metrics
            .iter()
            .find(|m| m.metric == "visit" && m.variant == variant)
            .unwrap();
        let e = m.absolute.estimate().unwrap();
        assert!((e.point * 100.0 - point).abs() < 0.005, "{variant} {}", e.point);
        assert!((e.se * 100.0 - se).abs() < 0.005, "{variant} {}", e.se);
        assert_eq!(m.control, "No E-Mail");
    }
    assert_eq!(readout.outcome, Outcome::Better);
    assert!(
        readout.verdict.starts_with("Mens E-Mail is better: visit +7.66 points"),
        "{}",
        readout.verdict
    );
    let channels: Vec<&str> = readout.breakdowns[0]
        .segments
        .iter()
        .map(|s| s.value.as_str())
        .collect();
    assert_eq!(channels, ["Multichannel", "Phone", "Web"]);
    assert!(readout.daily.is_empty());
}
