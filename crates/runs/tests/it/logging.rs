//! What runs log.

use steward_runs::{Dataset, Latest, Logged, ModelStatus, NewModel, NewRun, RunUpdate, RunsError, Status, Trace};

use crate::stores::{all, group, point, points, run};

#[tokio::test]
async fn the_last_point_is_the_greatest_by_step_then_time_then_value() {
    for tried in all().await {
        let store = &tried.store;
        let of = run(store, 0, 1).await;
        let latest = async || store.run(&of).await.unwrap().metrics["m"];
        for (logged, expected) in [
            (point("m", 1.0, 100, 1), Latest(1.0, 1, 100)),
            // Later in time, but an earlier step.
            (point("m", 9.0, 900, 0), Latest(1.0, 1, 100)),
            (point("m", 0.5, 200, 1), Latest(0.5, 1, 200)),
            (point("m", 0.4, 200, 1), Latest(0.5, 1, 200)),
            (point("m", 0.6, 200, 1), Latest(0.6, 1, 200)),
            (point("m", -3.0, 1, i64::MAX), Latest(-3.0, i64::MAX, 1)),
        ] {
            store.log(&of, points(vec![logged])).await.unwrap();
            assert_eq!(latest().await, expected, "{}", tried.name);
        }
        let history = store.history(&of, "m", 0, 100).await.unwrap();
        let values: Vec<f64> = history.iter().map(|p| p.value).collect();
        assert_eq!(values, [-3.0, 1.0, 0.4, 0.5, 0.6, 9.0], "by time, step, value");
    }
}

#[tokio::test]
async fn numbers_come_back_as_they_went() {
    for tried in all().await {
        let store = &tried.store;
        let of = run(store, 0, 1).await;
        let exact = [
            0.1 + 0.2,
            1e-308,
            f64::MIN_POSITIVE,
            5e-324,
            -0.0,
            1.797_693_134_862_315_7e308,
            1.0 / 3.0,
        ];
        let logged = exact.iter().zip(0..).map(|(v, n)| point("exact", *v, n, n)).collect();
        store.log(&of, points(logged)).await.unwrap();
        let back = store.history(&of, "exact", 0, 100).await.unwrap();
        assert!(
            back.iter().zip(exact).all(|(p, v)| p.value == v),
            "{}: {back:?}",
            tried.name
        );
        let odd = vec![
            point("nan", f64::NAN, 1, 1),
            point("inf", f64::INFINITY, 1, 1),
            point("-inf", f64::NEG_INFINITY, 1, 1),
        ];
        store.log(&of, points(odd)).await.unwrap();
        let metrics = store.run(&of).await.unwrap().metrics;
        assert!(metrics["nan"].0.is_nan());
        assert_eq!((metrics["inf"].0, metrics["-inf"].0), (f64::MAX, f64::MIN));
        assert!(store.history(&of, "nan", 0, 9).await.unwrap()[0].value.is_nan());
        assert_eq!(store.history(&of, "inf", 0, 9).await.unwrap()[0].value, f64::MAX);
    }
}

#[tokio::test]
async fn a_point_is_kept_once() {
    for tried in all().await {
        let store = &tried.store;
        let of = run(store, 0, 1).await;
        // 1,300 points in one statement of each length, and again.
        let many = |n: i64| (0..n).map(|i| point("m", i as f64, i, i)).collect::<Vec<_>>();
        for n in [1, 7, 17, 130, 1000, 1300, 1300] {
            store.log(&of, points(many(n))).await.unwrap();
            let kept = store.history(&of, "m", 0, 5000).await.unwrap().len();
            assert_eq!(kept, usize::try_from(n).unwrap(), "{}", tried.name);
        }
        let page = store.history(&of, "m", 1290, 100).await.unwrap();
        assert_eq!(
            page.iter().map(|p| p.step).collect::<Vec<_>>(),
            (1290..1300).collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn a_sample_keeps_the_first_and_the_last() {
    for tried in all().await {
        let store = &tried.store;
        let of = run(store, 0, 1).await;
        let many = (0..1000).map(|i| point("m", i as f64, 1000 - i, i)).collect();
        store.log(&of, points(many)).await.unwrap();
        let steps = async |range, limit| {
            let drawn = store.sampled(&of, "m", range, limit).await.unwrap();
            drawn.iter().map(|p| p.step).collect::<Vec<_>>()
        };
        let ten = steps(None, 10).await;
        assert_eq!((ten.len(), ten[0], ten[9]), (10, 0, 999), "{}: {ten:?}", tried.name);
        assert!(ten.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(steps(Some((5, 8)), 100).await, [5, 6, 7, 8]);
        assert_eq!(steps(None, 1).await, [999]);
        assert_eq!(steps(Some((2000, 3000)), 5).await, [0i64; 0]);
    }
}

#[tokio::test]
async fn parameters_do_not_change_and_nothing_of_a_refused_batch_is_kept() {
    for tried in all().await {
        let store = &tried.store;
        let of = run(store, 0, 1).await;
        let params = |value: &str| vec![("depth".to_string(), value.to_string())];
        let logged = |value: &str| Logged {
            params: params(value),
            tags: vec![("t".into(), value.into())],
            points: vec![point("m", 1.0, 1, 1)],
        };
        store.log(&of, logged("3")).await.unwrap();
        store.log(&of, logged("3")).await.unwrap();
        let refused = store
            .log(
                &of,
                Logged {
                    points: vec![point("other", 1.0, 1, 1)],
                    ..logged("5")
                },
            )
            .await
            .unwrap_err();
        let RunsError::ParamChanged { changes, .. } = refused else {
            panic!("{}: {refused}", tried.name)
        };
        assert_eq!((changes[0].old.as_str(), changes[0].new.as_str()), ("3", "5"));
        let kept = store.run(&of).await.unwrap();
        assert_eq!((kept.params["depth"].as_str(), kept.tags["t"].as_str()), ("3", "3"));
        assert!(!kept.metrics.contains_key("other") && store.history(&of, "other", 0, 9).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_run_has_one_name() {
    for tried in all().await {
        let store = &tried.store;
        let of = run(store, 0, 1).await;
        let tag = |key: &str, value: &str| Logged {
            tags: vec![(key.into(), value.into())],
            ..Logged::default()
        };
        store.log(&of, tag("mlflow.runName", "second")).await.unwrap();
        let renamed = store.run(&of).await.unwrap();
        assert_eq!(
            (renamed.name.as_str(), renamed.tags["mlflow.runName"].as_str()),
            ("second", "second")
        );
        let update = RunUpdate {
            status: Some(Status::Finished),
            end_ms: Some(9),
            name: Some("third".into()),
        };
        let ended = store.update_run(&of, update).await.unwrap();
        assert_eq!(
            (ended.status, ended.end_ms, ended.name.as_str()),
            (Status::Finished, Some(9), "third")
        );
        assert_eq!(store.run(&of).await.unwrap(), ended, "{}", tried.name);
        assert!(matches!(
            store.untag_run(&of, "none").await,
            Err(RunsError::Missing { what: "tag", .. })
        ));
        store.mark_run(&of, true).await.unwrap();
        assert!(matches!(
            store.log(&of, tag("a", "b")).await,
            Err(RunsError::Deleted { .. })
        ));
        store.mark_run(&of, false).await.unwrap();
        store.log(&of, tag("a", "b")).await.unwrap();
    }
}

#[tokio::test]
async fn datasets_are_kept_as_they_were_first_logged() {
    for tried in all().await {
        let store = &tried.store;
        let dataset = |profile: &str| Dataset {
            name: "orders".into(),
            digest: "d1".into(),
            source_type: "local".into(),
            source: "{}".into(),
            schema: None,
            profile: Some(profile.into()),
        };
        let (a, b) = (run(store, 0, 1).await, run(store, 0, 2).await);
        let train = vec![("mlflow.data.context".to_string(), "train".to_string())];
        let uses = vec![(dataset("first"), train.clone()), (dataset("twice"), Vec::new())];
        store
            .log_inputs(&a, uses, vec!["m-1".into(), "m-1".into()])
            .await
            .unwrap();
        store
            .log_inputs(&b, vec![(dataset("later"), Vec::new())], Vec::new())
            .await
            .unwrap();
        let runs = [store.run(&a).await.unwrap(), store.run(&b).await.unwrap()];
        assert_eq!(runs[0].datasets.len(), 1, "{}", tried.name);
        assert_eq!(runs[0].datasets[0].context(), Some("train"));
        assert_eq!(runs[0].models_in, ["m-1"]);
        let known = store.datasets(&runs).await.unwrap();
        let key = (0, "orders".to_string(), "d1".to_string());
        assert_eq!(known[&key].profile.as_deref(), Some("first"));
        let summaries = store.dataset_summaries(&[0]).await.unwrap();
        let contexts: Vec<Option<&str>> = summaries.iter().map(|s| s.context.as_deref()).collect();
        assert_eq!(contexts, [None, Some("train")]);
    }
}

#[tokio::test]
async fn models_are_measured_by_runs() {
    for tried in all().await {
        let store = &tried.store;
        let of = run(store, 0, 1).await;
        let new = NewModel {
            group: 0,
            name: "tree".into(),
            run: Some(of.clone()),
            params: vec![("depth".into(), "3".into())],
            ..NewModel::default()
        };
        let model = store.create_model(new).await.unwrap();
        assert_eq!(
            model.artifacts,
            format!("mlflow-artifacts:/0/models/{}/artifacts", model.id)
        );
        let mut measured = point("rmse", 0.5, 10, 1);
        measured.model = Some(model.id.clone());
        measured.dataset = Some(("orders".into(), "d1".into()));
        store.log(&of, points(vec![measured.clone()])).await.unwrap();
        store.log(&of, points(vec![measured])).await.unwrap();
        store.finish_model(&model.id, ModelStatus::Ready).await.unwrap();
        store.log_outputs(&of, vec![(model.id.clone(), 4)]).await.unwrap();
        let known = store.model(&model.id).await.unwrap();
        assert_eq!(
            (known.metrics.len(), known.status),
            (1, ModelStatus::Ready),
            "{}",
            tried.name
        );
        assert_eq!(store.run(&of).await.unwrap().models_out, [(model.id.clone(), 4)]);
        let of_model = |id: &str| {
            let mut measured = point("lost", 0.5, 10, 1);
            measured.model = Some(id.to_owned());
            measured
        };
        let batch = points(vec![of_model(&model.id), of_model("m-none")]);
        let refused = store.log(&of, batch).await.unwrap_err();
        assert!(matches!(refused, RunsError::Missing { what: "model", .. }));
        assert!(store.history(&of, "lost", 0, 10).await.unwrap().is_empty());
        assert_eq!(store.model(&model.id).await.unwrap().metrics, known.metrics);
        store.delete_model(&model.id).await.unwrap();
        assert!(store.models(&[0]).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_reset_leaves_the_default_group_alone() {
    for tried in all().await {
        let store = &tried.store;
        let id = group(store, "g").await;
        let of = run(store, id, 1).await;
        store.log(&of, points(vec![point("m", 1.0, 1, 1)])).await.unwrap();
        store.put_trace(Trace::begun("tr-1".into(), id)).await.unwrap();
        store.reset().await.unwrap();
        let left: Vec<i64> = store.groups().await.unwrap().iter().map(|g| g.id).collect();
        assert_eq!(left, [0], "{}", tried.name);
        assert!(matches!(store.run(&of).await, Err(RunsError::Missing { .. })));
        assert_eq!(group(store, "g").await, 1, "numbers begin anew");
        let of = run(store, 1, 1).await;
        store.log(&of, points(vec![point("m", 2.0, 1, 1)])).await.unwrap();
        assert_eq!(store.history(&of, "m", 0, 9).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    for tried in all().await {
        let store = &tried.store;
        let nowhere = NewRun {
            group: 77,
            name: "n".into(),
            user: String::new(),
            start_ms: 0,
            tags: Vec::new(),
        };
        let refused = store.create_run(nowhere).await.unwrap_err();
        assert_eq!(refused.to_string(), "there is no run group \"77\"", "{}", tried.name);
        assert!(matches!(
            store.run("none").await,
            Err(RunsError::Missing { what: "run", .. })
        ));
        assert!(store.history("none", "m", 0, 9).await.unwrap().is_empty());
    }
}
