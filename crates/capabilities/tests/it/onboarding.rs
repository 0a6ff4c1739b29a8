//! Files of one's own become projects that pass `check`, or the error says exactly what is wrong.

use std::path::Path;

use steward_capabilities::onboarding;
use steward_compute::TableFormat;
use steward_definitions::draft::Role;
use steward_definitions::{Project, Severity, Source};
use steward_engines::{DataFusionEngine, Options};

fn engine(folder: &Path) -> DataFusionEngine {
    DataFusionEngine::new(Options {
        temp_dir: folder.join("tmp"),
        threads: 2,
        ..Options::default()
    })
    .unwrap()
}

fn read(folder: &Path, written: &[String]) -> Project {
    let sources: Vec<Source> = written
        .iter()
        .filter(|p| !p.ends_with("README.md"))
        .map(|path| Source {
            path: path.clone(),
            text: std::fs::read_to_string(folder.join(path)).unwrap(),
        })
        .collect();
    let (project, problems) = Project::parse(&sources);
    let errors: Vec<_> = problems.iter().filter(|p| p.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    project
}

async fn start(name: &str, bytes: &[u8]) -> Result<(tempfile::TempDir, onboarding::Initialised), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    let project = folder.path().join("project");
    let engine = engine(folder.path());
    let found = onboarding::init(&project, &[file], &engine)
        .await
        .map_err(|e| e.to_string())?;
    read(&project, &found.written);
    Ok((folder, found))
}

#[tokio::test]
async fn a_trial_becomes_a_project() {
    let mut csv = String::from("customer_id,segment,joined,email,spend,visit\n");
    for i in 0..300 {
        let segment = ["none", "men", "women"][i % 3];
        csv.push_str(&format!(
            "{i},{segment},2025-01-{:02},u{i}@example.org,{}.5,{}\n",
            i % 28 + 1,
            i % 7,
            i % 2
        ));
    }
    let (folder, found) = start("trial.csv", csv.as_bytes()).await.unwrap();
    let profile = &found.profiles[0];
    assert_eq!(profile.rows, 300);
    let role = |name: &str| profile.columns.iter().find(|c| c.name == name).unwrap().role;
    assert_eq!(role("customer_id"), Role::Key);
    assert_eq!(role("segment"), Role::Variant);
    assert_eq!(role("joined"), Role::Time);
    assert_eq!(role("spend"), Role::Money);
    assert_eq!(role("visit"), Role::Flag);
    let email = profile.columns.iter().find(|c| c.name == "email").unwrap();
    assert_eq!(email.personal.as_deref(), Some("email"));
    assert!(
        email.min.is_none() && email.values.is_empty(),
        "no personal data in a profile"
    );
    assert_eq!(found.copied[0].1, "data/trial.csv");
    let again = onboarding::init(Path::new(&found.folder), &[], &engine(folder.path()))
        .await
        .unwrap_err();
    assert!(again.to_string().contains("project already"), "{again}");
}

#[tokio::test]
async fn awkward_files_hold() {
    let (_f, semicolons) = start(
        "kunden.csv",
        b"name;stra\xdfe;umsatz\n\"M\xfcller; Sohn\";Hauptstra\xdfe;10\n\nMeier;Ring;20\n",
    )
    .await
    .unwrap();
    assert_eq!(semicolons.profiles[0].rows, 2);
    assert_eq!(semicolons.profiles[0].columns[1].name, "straße");
    assert!(semicolons.notes.iter().any(|n| n.contains("windows-1252")));
    let (_f, bom) = start("bom.csv", "\u{feff}id,größe\n1,\"a \"\"b\"\"\"\n2,c\n".as_bytes())
        .await
        .unwrap();
    assert_eq!(bom.profiles[0].columns[0].name, "id");
    let wide: Vec<String> = (0..200).map(|i| format!("c{i}")).collect();
    let row: Vec<String> = (0..200).map(|i| i.to_string()).collect();
    let (_f, wide) = start(
        "wide.csv",
        format!("{}\n{}\n{}\n", wide.join(","), row.join(","), row.join(",")).as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(wide.profiles[0].columns.len(), 200);
    let (_f, mixed) = start("mixed.tsv", b"a\tb\n1\tx\ntwo\t\n3\tz\n").await.unwrap();
    assert_eq!(mixed.profiles[0].columns[0].logical_type, "string");
    assert_eq!(mixed.profiles[0].columns[1].nulls, 1);
    let (_f, json) = start(
        "events.jsonl",
        b"{\"id\": 1, \"at\": \"2025-01-01T00:00:00Z\"}\n{\"id\": 2, \"at\": \"2025-01-02T00:00:00Z\"}\n",
    )
    .await
    .unwrap();
    assert_eq!(json.profiles[0].rows, 2);
}

#[tokio::test]
async fn what_cannot_be_read_says_why_and_writes_nothing() {
    for (name, bytes, why) in [
        ("empty.csv", &b""[..], "0 bytes"),
        ("blank.csv", b" \n\n", "nothing but blanks"),
        ("headless.csv", b"1,2,3\n4,5,6\n", "header"),
        ("ragged.csv", b"a,b\n1,2\n3\n", "line 3 has 1 fields"),
        ("twice.csv", b"a,a\n1,2\n", "twice"),
        ("fake.parquet", b"a,b\n1,2\n", "PAR1"),
        ("cut.parquet", b"PAR1 and no more", "cut"),
        ("array.json", b"[{\"a\": 1}]", "JSON lines"),
        ("book.csv", b"PK\x03\x04rest", "Excel"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let project = folder.path().join("project");
        let error = onboarding::init(&project, &[file], &engine(folder.path()))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(why) && error.contains(name), "{name}: {error}");
        assert!(!project.join("steward.yaml").exists());
    }
}

#[test]
fn formats_are_sniffed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.txt");
    std::fs::write(&path, "a|b\n1|2\n").unwrap();
    let found = onboarding::sniff(&path).unwrap();
    assert_eq!(
        found.format,
        TableFormat::Csv {
            delimiter: '|',
            encoding: None
        }
    );
    assert_eq!(found.header, ["a", "b"]);
}
