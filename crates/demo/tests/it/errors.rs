//! Bad input is refused with what to do, and leaves nothing behind.

use steward_demo::{DemoError, World, generate};

#[test]
fn a_scale_that_makes_no_sense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        let world = World {
            seed: 1,
            scale,
            threads: 1,
        };
        let error = generate(&world, &dir.path().join("d"), &dir.path().join("t"), &|_| {}).unwrap_err();
        assert!(matches!(error, DemoError::Scale(_)), "{error}");
        assert!(error.to_string().contains("from 0.001 to 100"), "{error}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_the_old_world_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (data, truth) = (dir.path().join("data"), dir.path().join("truth"));
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("users.parquet"), "as before").unwrap();
    std::fs::write(&truth, "a file where the folder should be").unwrap();
    let world = World {
        seed: 1,
        scale: 0.002,
        threads: 2,
    };
    let error = generate(&world, &data, &truth, &|_| {}).unwrap_err();
    assert!(matches!(error, DemoError::Write { .. }), "{error}");
    assert!(error.to_string().contains("truth"), "{error}");
    assert_eq!(
        std::fs::read_to_string(data.join("users.parquet")).unwrap(),
        "as before"
    );
    let left: Vec<_> = std::fs::read_dir(&data)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["users.parquet"]);
}
