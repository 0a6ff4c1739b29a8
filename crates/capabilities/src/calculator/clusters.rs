//! Rows that come in clusters.

use serde_json::{Value, json};
use steward_stats::cluster::{Correction, clustered};
use steward_stats::wild_bootstrap::{self, Weights, wild_cluster_bootstrap};

use super::kind::{COUNTS, Field, Kind, Object};
use super::regressions::{INTERCEPT, X, Y, design};
use super::{ESTIMATE, LEVEL, Method, either};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "cluster_robust",
        doc: "Least squares with rows in clusters: CR0, CR1, CR2 with Bell and McCaffrey's degrees of freedom, or CR3.",
        source: "Liang & Zeger 1986; Bell & McCaffrey 2002; Imbens & Kolesár 2016",
        input: &Object::of(
            "Rows in clusters",
            &[
                Y,
                X,
                INTERCEPT,
                Field::required("clusters", COUNTS, "The cluster of each row, as a number"),
                Field::default(
                    "correction",
                    Kind::Choice(&["cr0", "cr1", "cr2", "cr3"]),
                    "\"cr2\"",
                    "Small-sample correction: none, a factor, Bell–McCaffrey, jackknife; cr2 and cr3 with Satterthwaite df",
                ),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "Coefficients",
            &[
                Field::required(
                    "coefficients",
                    Kind::List(&ESTIMATE),
                    "The intercept first, if there is one",
                ),
                Field::required("clusters", Kind::Count, "Clusters"),
            ],
        ),
        compute: |i| {
            let (y, x) = design(i)?;
            let correction = match i.text("correction")?.as_str() {
                "cr0" => Correction::Cr0,
                "cr1" => Correction::Cr1,
                "cr3" => Correction::Cr3,
                _ => Correction::Cr2,
            };
            let clusters = i.counts("clusters")?;
            let fit = clustered(&y, &x, i.flag("intercept"), &clusters, correction, i.number("level")?)?;
            let all: Vec<Value> = fit.coefficients.iter().map(either).collect();
            Ok(json!({ "coefficients": all, "clusters": fit.clusters }))
        },
    },
    Method {
        name: "wild_cluster_bootstrap",
        doc: "One coefficient with rows in few clusters: p and interval of the wild cluster bootstrap, null imposed.",
        source: "Cameron, Gelbach & Miller 2008; Webb 2023; Roodman, MacKinnon, Nielsen & Webb 2019",
        input: &Object::of(
            "Rows in clusters",
            &[
                Y,
                X,
                INTERCEPT,
                Field::required("clusters", COUNTS, "The cluster of each row, as a number"),
                Field::default("column", Kind::Count, "0", "Position in x of the tested column, from 0"),
                Field::default(
                    "weights",
                    Kind::Choice(&["auto", "rademacher", "webb"]),
                    "\"auto\"",
                    "Weights of clusters: signs, Webb's six points, or Webb's below ten clusters",
                ),
                Field::default(
                    "draws",
                    Kind::Count,
                    "4999",
                    "Draws; signs are enumerated where all 2^clusters are no more",
                ),
                Field::default("seed", Kind::Count, "1", "Seed of the draws"),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "The coefficient",
            &[
                Field::required(
                    "estimate",
                    ESTIMATE,
                    "CR1 standard error; p and interval of the bootstrap, null ends where nothing is rejected",
                ),
                Field::required("clusters", Kind::Count, "Clusters"),
                Field::required("draws", Kind::Count, "Draws used"),
                Field::required("enumerated", Kind::Flag, "Whether every combination of signs was used"),
            ],
        ),
        compute: |i| {
            let (y, x) = design(i)?;
            let plan = wild_bootstrap::Plan {
                weights: match i.text("weights")?.as_str() {
                    "rademacher" => Weights::Rademacher,
                    "webb" => Weights::Webb,
                    _ => Weights::Auto,
                },
                draws: i.count("draws")? as usize,
                seed: i.count("seed")?,
                level: i.number("level")?,
            };
            let (clusters, column) = (i.counts("clusters")?, i.count("column")? as usize);
            let found = wild_cluster_bootstrap(&y, &x, i.flag("intercept"), &clusters, column, plan)?;
            Ok(json!(found))
        },
    },
];
